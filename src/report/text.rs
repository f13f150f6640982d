//! Sizes and times as people read them.

use jiff::SignedDuration;

/// `0.4s`, `12.3s`, `2m35s`, `1h02m`.
pub fn duration(duration: SignedDuration) -> String {
    let tenths = duration.as_millis().max(0) / 100;
    match tenths {
        0..600 => format!("{}.{}s", tenths / 10, tenths % 10),
        600..36_000 => format!("{}m{:02}s", tenths / 600, tenths / 10 % 60),
        _ => format!("{}h{:02}m", tenths / 36_000, tenths / 600 % 60),
    }
}

/// `12:05`, minutes and seconds since the start of a run.
pub fn clock(since: SignedDuration) -> String {
    let seconds = since.as_secs().max(0);
    format!("{:>3}:{:02}", seconds / 60, seconds % 60)
}

/// `512 B`, `12.1 MiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut tenths = u128::from(count) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let shown =
            [40, 12_340, 59_990, 60_000, 155_000, 3_720_000].map(|ms| duration(SignedDuration::from_millis(ms)));
        assert_eq!(shown, ["0.0s", "12.3s", "59.9s", "1m00s", "2m35s", "1h02m"]);
    }

    #[test]
    fn sizes_read_well() {
        let shown = [0, 1023, 1024, 12_687_770, 5 << 30].map(bytes);
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "12.1 MiB", "5.0 GiB"]);
    }
}
