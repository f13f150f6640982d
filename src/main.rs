//! The program `seedbed`.

fn main() {}
