//! Checks the files that `cargo package` puts into the crate.

use std::process::Command;

/// All files except the sources. Cargo adds its own files.
const OTHERS: [&str; 8] = [
    ".cargo_vcs_info.json",
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "docs/rust.md",
];

#[test]
fn the_crate_has_only_its_sources_pages_and_licenses() {
    let output = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline", "--package=walnut-webhooks"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let list = String::from_utf8(output.stdout).unwrap();
    let (sources, others): (Vec<_>, Vec<_>) = list.lines().partition(|path| {
        path.starts_with("src/") && std::path::Path::new(path).extension() == Some("rs".as_ref())
    });
    assert!(sources.contains(&"src/lib.rs"), "{sources:?}");
    let unexpected: Vec<_> = others.iter().filter(|path| !OTHERS.contains(path)).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    for path in ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "docs/rust.md"] {
        assert!(others.contains(&path), "{path} is missing");
    }
}
