//! Prints the CustomResourceDefinition: `cargo run -p seal-api --example crd > deploy/crd.yaml`.

#![allow(clippy::print_stdout)] // Printing is all it does.

fn main() -> Result<(), serde_yaml::ser::Error> {
    print!("{}", serde_yaml::to_string(&seal_api::crd())?);
    Ok(())
}
