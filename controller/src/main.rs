//! `seal-controller`.

use std::process::ExitCode;

fn main() -> ExitCode {
    seal_controller::main()
}
