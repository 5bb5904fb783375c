//! Writing DER from the back to the front: when an element is closed its content is there already, so its length
//! is known, and nothing is written twice.

use pki_config::Instant;

/// Bytes that grow towards the front.
pub(super) struct Back {
    buffer: Vec<u8>,
    start: usize,
}

impl Back {
    /// Room for so many bytes; more are taken when needed.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self { buffer: vec![0; bytes], start: bytes }
    }

    /// Where we are: an element begun here is closed with this.
    pub(super) fn mark(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Puts bytes in front of what is there.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        if self.start < bytes.len() {
            let written = self.buffer.len() - self.start;
            let mut larger = vec![0; (self.buffer.len() + bytes.len()) * 2];
            let start = larger.len() - written;
            larger[start..].copy_from_slice(&self.buffer[self.start..]);
            (self.buffer, self.start) = (larger, start);
        }
        let end = self.start;
        self.start -= bytes.len();
        self.buffer[self.start..end].copy_from_slice(bytes);
    }

    /// Puts tag and length in front of everything since `mark`.
    pub(super) fn close(&mut self, tag: u8, mark: usize) {
        let length = self.mark() - mark;
        let octets = length.to_be_bytes();
        let short = &octets[octets.iter().take_while(|o| **o == 0).count()..];
        match short {
            [] => self.put(&[0]),
            [one @ 0..=0x7f] => self.put(&[*one]),
            several => {
                self.put(several);
                self.put(&[0x80 | several.len().to_le_bytes()[0]]);
            }
        }
        self.put(&[tag]);
    }

    /// Puts a whole element.
    pub(super) fn element(&mut self, tag: u8, content: &[u8]) {
        let mark = self.mark();
        self.put(content);
        self.close(tag, mark);
    }

    /// Puts a GeneralizedTime.
    pub(super) fn time(&mut self, at: Instant) {
        self.element(0x18, &generalized(at));
    }

    /// What was written.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.buffer.drain(..self.start);
        self.buffer
    }
}

/// `YYYYMMDDHHMMSSZ`, in whole seconds as OCSP wants it (RFC 6960 2.4). By Howard Hinnant's `civil_from_days`.
pub(super) fn generalized(at: Instant) -> [u8; 15] {
    let seconds = at.unix_seconds();
    let (days, of_day) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let mut out = *b"00000000000000Z";
    let fields = [year / 100, year % 100, month, day, of_day / 3600, of_day / 60 % 60, of_day % 60];
    for (two, field) in out.chunks_exact_mut(2).zip(fields) {
        two[0] += (field / 10).to_le_bytes()[0];
        two[1] += (field % 10).to_le_bytes()[0];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_crate_der_writes_them() {
        use der::Encode;
        let mut seconds = 0_i64;
        while seconds <= Instant::LAST.unix_seconds() {
            let at = Instant::from_unix_seconds(seconds).unwrap();
            let since = std::time::Duration::from_secs(seconds.try_into().unwrap());
            let theirs = der::asn1::GeneralizedTime::from_unix_duration(since).unwrap().to_der().unwrap();
            assert_eq!(theirs[2..], generalized(at), "{at}");
            // A prime number of seconds, so that every field takes many values.
            seconds += 7_654_321;
        }
    }

    #[test]
    fn lengths_are_minimal_and_room_is_found() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let mut back = Back::with_room(4);
            back.element(4, &vec![7; length]);
            let theirs = der::Encode::to_der(&der::asn1::OctetStringRef::new(&vec![7; length]).unwrap()).unwrap();
            assert_eq!(back.finish(), theirs, "{length}");
        }
    }
}
