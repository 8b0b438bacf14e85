//! Any text as a template over fixed values: it must end with a result or an
//! error. `cargo +nightly fuzz run render`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seal_template::{Budget, Data, Limits, Template};

fuzz_target!(|source: &[u8]| {
    let mut budget = Budget::new(Limits {
        steps: 50_000,
        bytes: 1 << 20,
        // Making keys is slow and does not depend on the template.
        key_work: 2,
        ..Limits::default()
    });
    let data: Data = [("a", "value"), ("b", "{\"k\":[1,null,\"x\"]}"), ("n", "12")]
        .into_iter()
        .collect();
    if let Ok(template) = Template::parse("out", source, &mut budget) {
        let _ = template.render(&data, &mut budget);
    }
});
