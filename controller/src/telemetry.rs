//! Logging. No message ever holds a value.

use tracing::{Level, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, registry::LookupSpan};

use crate::args::LogFormat;

/// Logs to standard error: our own messages from `level` on, those of libraries from warnings on.
pub fn start(level: Level, format: LogFormat) {
    let targets = Targets::new()
        .with_default(LevelFilter::WARN.max(libraries(level)))
        .with_target("seal_controller", level);
    let subscriber = tracing_subscriber::registry().with(layer(format).with_filter(targets));
    // Fails only where a subscriber is set already, as in tests.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// At TRACE the libraries talk, too.
fn libraries(level: Level) -> LevelFilter {
    if level == Level::TRACE {
        LevelFilter::DEBUG
    } else {
        LevelFilter::WARN
    }
}

fn layer<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = fmt::layer().with_writer(std::io::stderr).with_target(false);
    match format {
        LogFormat::Text => layer.with_ansi(false).boxed(),
        LogFormat::Json => layer.json().boxed(),
    }
}
