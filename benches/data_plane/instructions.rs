//! Doorkeeper's own instructions, counted: what no other load on the machine changes. What the kernel does is not in them.

use crate::load::{self, Client, Shape};
use crate::pki::Authority;
use crate::proxies::Proxy;
use crate::{Failure, KIB, frames, sink};
use std::path::Path;
use std::rc::Rc;

/// Starting, stopping and what is made once count in both runs of a scenario, and not in the difference.
const RUNS: [usize; 2] = [1, 3];

/// Counts the instructions of each scenario's request, and of a connection.
pub(crate) async fn count(folder: &Path) -> Result<(), Failure> {
    let authority = Authority::new("bench CA")?;
    authority.write(folder)?;
    authority.sign("server")?.write(folder, "server")?;
    let client = Client::new(&authority, &authority.sign("alice")?)?;
    let sink = sink::start(Rc::new(frames::Answers::new(256 * KIB)?)).await?;
    println!("{:<16} {:>14}", "", "instructions");
    let requests = |name, frame, in_flight, requests| (name, frame, in_flight, requests);
    for (name, frame, in_flight, count) in [
        requests("produce 64 KiB", frames::produce(64 * KIB)?, 5, 100),
        requests("fetch 256 KiB", frames::fetch()?, 2, 50),
        requests("produce 1 KiB", frames::produce(KIB)?, 1, 1000),
        requests("connect", Vec::new(), 0, 50),
    ] {
        let mut counted = Vec::new();
        for run in RUNS {
            let out = folder.join(format!("callgrind.{}.{run}", name.replace(' ', "-")));
            let option = format!("--callgrind-out-file={}", out.display());
            let under = [
                "env".as_ref(),
                // Without it doorkeeper begins anew, and valgrind does not follow.
                "GLIBC_TUNABLES=glibc.malloc.trim_threshold=4194304".as_ref(),
                "valgrind".as_ref(),
                "--tool=callgrind".as_ref(),
                option.as_ref(),
            ];
            let proxy = Proxy::doorkeeper(folder, sink, &under)?;
            let address = proxy.address;
            if in_flight == 0 {
                for _ in 0..run * count {
                    drop(load::open(&client, address, 1, 4 * KIB).await?);
                }
            } else {
                let shape = Shape { connections: 1, in_flight, requests: run * count };
                load::run(&client, address, &frame, shape, || ()).await?;
            }
            proxy.end()?;
            counted.push(total(&out)?);
        }
        let more = (RUNS[1] - RUNS[0]) * count;
        println!("{name:<16} {:>14.0}", (counted[1] - counted[0]) / more as f64);
    }
    if let Some(kept) = std::env::var_os("CALLGRIND") {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if let Some(name) =
                path.file_name().filter(|name| name.to_string_lossy().starts_with("callgrind."))
            {
                std::fs::copy(&path, Path::new(&kept).join(name))?;
            }
        }
    }
    Ok(())
}

/// All instructions of a run.
fn total(out: &Path) -> Result<f64, Failure> {
    let text = std::fs::read_to_string(out)?;
    let line = text.lines().find_map(|line| line.strip_prefix("summary: "));
    Ok(line.ok_or("callgrind has written no summary")?.trim().parse()?)
}
