//! The program `seal`.

fn main() -> std::process::ExitCode {
    seal_cli::run(std::env::args_os())
}
