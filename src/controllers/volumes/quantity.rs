//! Quantities, as resources are counted: `500m`, `1Gi`, `1.5e3`.
//!
//! The grammar is that of apimachinery's `resource.Quantity`. A quantity is held exactly in
//! billionths; what is finer is rounded up, as there, and what is too large stays at the largest.

/// An amount in billionths of its unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i128);

const NANOS_PER_UNIT: i128 = 1_000_000_000;
/// Beyond this many digits no amount is meant that anybody has.
const DIGITS_MAX: usize = 36;

impl Quantity {
    /// Parses a quantity; `None` if `text` is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, unsigned) = match text.as_bytes().first()? {
            b'-' => (-1, &text[1..]),
            b'+' => (1, &text[1..]),
            _ => (1, text),
        };
        let end = unsigned.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let (number, suffix) = unsigned.split_at(end.unwrap_or(unsigned.len()));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        if !is_number || digits.len() > DIGITS_MAX {
            return None;
        }
        let (factor, exponent) = scale(suffix)?;
        let exponent = exponent + 9 - i32::try_from(fraction.len()).ok()?;
        let amount = digits.parse::<i128>().ok()?;
        Some(Self(sign * shifted(amount.saturating_mul(factor), exponent)))
    }

    /// Whole units, rounded up.
    pub fn ceil(self) -> i128 {
        self.0.div_euclid(NANOS_PER_UNIT) + i128::from(self.0.rem_euclid(NANOS_PER_UNIT) != 0)
    }
}

/// A suffix as a factor and a power of ten.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    const DECIMAL: [(&str, i32); 10] = [
        ("n", -9),
        ("u", -6),
        ("m", -3),
        ("", 0),
        ("k", 3),
        ("M", 6),
        ("G", 9),
        ("T", 12),
        ("P", 15),
        ("E", 18),
    ];
    if let Some(power) = BINARY.iter().position(|name| *name == suffix) {
        return Some((1 << (10 * (power + 1)), 0));
    }
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((1, *exponent));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    Some((1, exponent.parse::<i8>().ok()?.into()))
}

/// `amount` times ten to the power of `exponent`, rounded up.
fn shifted(amount: i128, exponent: i32) -> i128 {
    let power = 10_i128.checked_pow(exponent.unsigned_abs());
    match (exponent, power) {
        (0.., Some(power)) => amount.saturating_mul(power),
        (0.., None) => {
            if amount == 0 {
                0
            } else {
                i128::MAX
            }
        }
        (_, Some(power)) => amount / power + i128::from(amount % power != 0),
        (_, None) => i128::from(amount != 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, nanos: Option<i128>) {
        assert_eq!(Quantity::parse(text), nanos.map(Quantity), "{text}");
    }

    #[test]
    fn suffixes_and_exponents_are_those_of_kubernetes() {
        let unit = NANOS_PER_UNIT;
        check("0", Some(0));
        check("1", Some(unit));
        check("+1.5", Some(unit * 3 / 2));
        check("-2", Some(-2 * unit));
        check(".5", Some(unit / 2));
        check("5.", Some(5 * unit));
        check("1n", Some(1));
        check("1u", Some(1_000));
        check("100m", Some(unit / 10));
        check("1k", Some(1_000 * unit));
        check("1E", Some(1_000_000_000_000_000_000 * unit));
        check("1Ki", Some(1_024 * unit));
        check("1.5Gi", Some(1_610_612_736 * unit));
        check("1Ei", Some((1 << 60) * unit));
        check("1e3", Some(1_000 * unit));
        check("1E3", Some(1_000 * unit));
        check("12e-1", Some(unit * 12 / 10));
        check("1.5e+2", Some(150 * unit));
    }

    #[test]
    fn what_is_finer_than_a_billionth_is_rounded_up() {
        check("0.0000000001", Some(1));
        check("1e-20", Some(1));
    }

    #[test]
    fn other_texts_are_no_quantities() {
        for text in ["", "Gi", "1K", "1KI", "1 Gi", "1.2.3", "0x10", "--1", "1e", "1eG", "1mi", "."] {
            check(text, None);
        }
    }

    #[test]
    fn amounts_compare_across_notations() {
        let parse = |text| Quantity::parse(text).unwrap();
        assert!(parse("1Gi") > parse("1G"));
        assert_eq!(parse("1024Mi"), parse("1Gi"));
        assert_eq!((parse("1500m").ceil(), parse("2").ceil(), parse("-1500m").ceil()), (2, 2, -1));
    }
}
