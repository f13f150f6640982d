//! The program `seedbed`.

use std::process::ExitCode;

fn main() -> ExitCode {
    seedbed::cli::main()
}
