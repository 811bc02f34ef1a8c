//! How the C library's allocator gives memory back.
//!
//! glibc takes blocks from 128 KiB on from the system one by one, and gives them back as they are freed. But with the first such
//! block that is freed it takes the next one of that size, up to 32 MiB, from its heaps, of which it gives back only what no block
//! in use is behind. After a few large requests at one time, hundreds of MiB stay with the process for good. It leaves the bound
//! alone where it is told one, which can be done without unsafe code only by the environment, when a program starts. musl,
//! which the image has, has no such bound and gives back everything.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Where glibc reads its settings.
const VARIABLE: &str = "GLIBC_TUNABLES";

/// From 1 MiB on blocks are the system's: those are of requests and answers that are large, and few. What a heap has free at its
/// end goes back from 4 MiB on.
const SETTINGS: &str = "glibc.malloc.mmap_threshold=1048576:glibc.malloc.trim_threshold=4194304";

/// Begins the program anew with these settings, unless it has been given others: the same process, with the same arguments.
/// Where that cannot be done it goes on as it is.
pub fn give_back_memory() {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) || env::var_os(VARIABLE).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let mut arguments = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // Returns only if it fails.
    let _ = command.args(arguments).env(VARIABLE, SETTINGS).exec();
}
