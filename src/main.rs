//! The `doorkeeper` command.

fn main() -> std::process::ExitCode {
    doorkeeper::cli::main()
}
