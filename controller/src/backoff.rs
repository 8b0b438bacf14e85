//! How long to wait before the next attempt.

use std::time::Duration;

const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(300);

/// How long to wait after so many failures in a row: doubling, capped, without end.
#[must_use]
pub fn backoff(failures: u32) -> Duration {
    let factor = 2_u32.saturating_pow(failures.saturating_sub(1).min(20));
    FIRST_RETRY.saturating_mul(factor).min(LAST_RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_slow_down_to_a_cap_and_never_end() {
        assert_eq!(backoff(1), FIRST_RETRY);
        assert_eq!(backoff(2), 2 * FIRST_RETRY);
        assert_eq!(backoff(11), LAST_RETRY);
        assert_eq!(backoff(u32::MAX), LAST_RETRY);
    }
}
