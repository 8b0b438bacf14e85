//! Logging. No message ever holds a value.

use std::io;

use tracing::{Level, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{
        self,
        writer::{BoxMakeWriter, MakeWriterExt},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
};

use crate::args::LogFormat;

/// Logs our own messages from `level` on, those of libraries from warnings on: to standard error,
/// or, with `info_stdout`, those that are no warnings to standard output.
pub fn start(level: Level, format: LogFormat, info_stdout: bool) {
    let targets = Targets::new()
        .with_default(LevelFilter::WARN.max(libraries(level)))
        // It logs whole bodies of answers that it cannot read, and the server's own words.
        .with_target("kube_client::client", LevelFilter::OFF)
        .with_target("seal_controller", level);
    let layer = layer(format, info_stdout).with_filter(targets);
    // Fails only where a subscriber is set already, as in tests.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
}

/// At TRACE the libraries talk, too.
fn libraries(level: Level) -> LevelFilter {
    if level == Level::TRACE {
        LevelFilter::DEBUG
    } else {
        LevelFilter::WARN
    }
}

fn layer<S>(format: LogFormat, info_stdout: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let writer = match info_stdout {
        true => BoxMakeWriter::new(io::stderr.with_max_level(Level::WARN).or_else(io::stdout)),
        false => BoxMakeWriter::new(io::stderr),
    };
    let layer = fmt::layer().with_writer(writer).with_target(false);
    match format {
        LogFormat::Text => layer.with_ansi(false).boxed(),
        LogFormat::Json => layer.json().boxed(),
    }
}
