use seal_template::{Budget, Data, Phase, Template};
use std::io::{BufRead, Write};
fn main() {
    let stdin = std::io::stdin();
    let mut out = std::io::BufWriter::new(std::io::stdout());
    for line in stdin.lock().lines() {
        let v: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let data: Data = v["d"]
            .as_object()
            .map(|o| {
                o.iter()
                    .map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned()))
                    .collect()
            })
            .unwrap_or_default();
        let mut b = Budget::default();
        let r = Template::parse("out", v["t"].as_str().unwrap().as_bytes(), &mut b)
            .and_then(|t| t.render(&data, &mut b));
        let j = match r {
            Ok(o) => {
                serde_json::json!({"p":"ok","o":base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &*o)})
            }
            Err(e) => {
                serde_json::json!({"p": if e.phase()==Phase::Parse {"parse"} else {"exec"}, "o":"", "m": e.detail(), "k": format!("{:?}", e.kind())})
            }
        };
        writeln!(out, "{j}").unwrap();
    }
}
