//! Time zones, from the database that is compiled in.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    Utc,
    /// UTC under its other name.
    Local,
    Fixed {
        name: String,
        seconds: i64,
    },
    Named(TimeZone),
}

/// What a zone's clocks do at an instant.
pub(crate) struct Offset {
    /// East of Greenwich.
    pub(crate) seconds: i64,
    pub(crate) abbreviation: String,
    pub(crate) summer: bool,
}

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

impl Location {
    /// The zone of that name, whose case matters.
    pub(crate) fn load(name: &[u8]) -> Option<Location> {
        match name {
            b"" | b"UTC" => return Some(Location::Utc),
            b"Local" => return Some(Location::Local),
            _ => {}
        }
        let name = std::str::from_utf8(name).ok()?;
        let zone = DATABASE.get(name).ok()?;
        (zone.iana_name() == Some(name)).then_some(Location::Named(zone))
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Location::Utc => "UTC",
            Location::Local => "Local",
            Location::Fixed { name, .. } => name,
            Location::Named(zone) => zone.iana_name().unwrap_or_default(),
        }
    }

    pub(super) fn offset_at(&self, seconds: i64) -> Offset {
        let fixed = |seconds, abbreviation: &str| Offset {
            seconds,
            abbreviation: abbreviation.to_owned(),
            summer: false,
        };
        match self {
            Location::Utc | Location::Local => fixed(0, "UTC"),
            Location::Fixed { name, seconds } => fixed(*seconds, name),
            Location::Named(zone) => {
                let bounded = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let instant = Timestamp::from_second(bounded).unwrap_or_default();
                let info = zone.to_offset_info(instant);
                Offset {
                    seconds: i64::from(info.offset().seconds()),
                    abbreviation: info.abbreviation().to_owned(),
                    summer: info.dst().is_dst(),
                }
            }
        }
    }
}
