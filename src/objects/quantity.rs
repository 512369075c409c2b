//! Amounts of a resource: `10Gi`, `500m`, `1e3`.
//!
//! Grammar, limits and rounding are those of Kubernetes' `resource.Quantity`: one of three kinds
//! of suffix, at most 2^63-1, no finer than a nano. Larger amounts are capped and finer ones rounded
//! up, so that all texts that parse can be compared.

/// An exact amount, in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i128);

/// Why a text is not a quantity, in Kubernetes' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text is not a number with a suffix.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// There is no number before the suffix, or more than one point in it.
    #[error("unable to parse numeric part of quantity")]
    Number,
    /// The suffix is unknown.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

const NANO: i128 = 1_000_000_000;
/// No quantity is larger than this (apimachinery, `pkg/api/resource`).
const AMOUNT_MAX: i128 = i64::MAX as i128 * NANO;
/// More digits than this cannot change a capped, rounded amount.
const DIGITS_MAX: usize = 36;

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);

    /// Parses `text`.
    pub fn parse(text: &str) -> Result<Amount, QuantityError> {
        let (is_negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let n_number = unsigned.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let (number, suffix) = unsigned.split_at(n_number);
        if number.is_empty() || !has_suffix_form(suffix) {
            return Err(QuantityError::Format);
        }
        let (base, exponent) = multiplier(suffix).ok_or(QuantityError::Suffix)?;
        let amount = scale(number, base, exponent).ok_or(QuantityError::Number)?;
        Ok(Amount(if is_negative { -amount } else { amount }))
    }

    /// The amount in whole units, rounded up.
    pub fn ceil(self) -> i64 {
        let up = if self.0 > 0 { NANO - 1 } else { 0 };
        i64::try_from((self.0 + up) / NANO).unwrap_or(if self.0 > 0 { i64::MAX } else { i64::MIN })
    }

    /// The amount in thousandths of a unit, rounded up.
    pub fn ceil_milli(self) -> i128 {
        let milli = NANO / 1000;
        let up = if self.0 > 0 { milli - 1 } else { 0 };
        (self.0 + up) / milli
    }

    /// How many times `unit` it is, rounded up; `None` if the unit is nothing.
    pub fn in_units(self, unit: Amount) -> Option<i64> {
        let whole = self.0.checked_div(unit.0)?;
        let has_rest = self.0 % unit.0 != 0 && (self.0 < 0) == (unit.0 < 0);
        i64::try_from(whole + i128::from(has_rest)).ok()
    }

    /// Whether the amount has no fraction of a unit.
    pub fn is_whole(self) -> bool {
        self.0 % NANO == 0
    }
}

/// The canonical form of `text`, which the API returns: the same amount with the largest suffix of
/// the same kind that needs no fraction (`0.5` is `500m`, `1024Mi` is `1Gi`). `None` if it is not a
/// quantity.
pub fn canonical(text: &str) -> Option<String> {
    let amount = Amount::parse(text).ok()?.0;
    let is_exponent =
        text.trim_end_matches(|c: char| c.is_ascii_digit() || "+-".contains(c)).ends_with(['e', 'E']);
    let (sign, amount) = (if amount < 0 { "-" } else { "" }, amount.abs());
    let is_binary = text.ends_with('i') && amount >= 1024 * NANO && amount % NANO == 0;
    if is_binary {
        let (number, power) = divided(amount / NANO, 1024, BINARY_SUFFIXES.len() - 1);
        return Some(format!("{sign}{number}{}", BINARY_SUFFIXES[power]));
    }
    let (number, power) = divided(amount, 1000, DECIMAL_SUFFIXES.len() - 1);
    Some(match (is_exponent, power) {
        _ if amount == 0 => "0".into(),
        (true, UNIT) => format!("{sign}{number}"),
        (true, power) => format!("{sign}{number}e{}", 3 * power as i32 - 9),
        (false, power) => format!("{sign}{number}{}", DECIMAL_SUFFIXES[power]),
    })
}

const BINARY_SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL_SUFFIXES: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
/// The power of a thousand that turns billionths into units.
const UNIT: usize = 3;

/// `amount` divided by `base` as often as it goes, and how often.
fn divided(mut amount: i128, base: i128, power_max: usize) -> (i128, usize) {
    let mut power = 0;
    while power < power_max && amount != 0 && amount % base == 0 {
        amount /= base;
        power += 1;
    }
    (amount, power)
}

/// `[eEinumkKMGTP]*[-+]?[0-9]*`
fn has_suffix_form(suffix: &str) -> bool {
    let rest = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest);
    rest.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a suffix multiplies with, as a base and its exponent.
fn multiplier(suffix: &str) -> Option<(i128, i32)> {
    Some(match suffix {
        "n" => (10, -9),
        "u" => (10, -6),
        "m" => (10, -3),
        "" => (10, 0),
        "k" => (10, 3),
        "M" => (10, 6),
        "G" => (10, 9),
        "T" => (10, 12),
        "P" => (10, 15),
        "E" => (10, 18),
        "Ki" => (1024, 1),
        "Mi" => (1024, 2),
        "Gi" => (1024, 3),
        "Ti" => (1024, 4),
        "Pi" => (1024, 5),
        "Ei" => (1024, 6),
        _ => (10, suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

/// `number` times the multiplier in billionths, rounded up and capped.
fn scale(number: &str, base: i128, exponent: i32) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || fraction.contains('.') {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    if whole.len() > DIGITS_MAX {
        return Some(AMOUNT_MAX);
    }
    let kept = &fraction[..fraction.len().min(DIGITS_MAX - whole.len())];
    let digits: i128 = format!("0{whole}{kept}").parse().ok()?;
    let mut shift = 9 - i32::try_from(kept.len()).ok()?;
    let mut factor = 1;
    match base {
        10 => shift = shift.saturating_add(exponent),
        base => factor = base.checked_pow(exponent.unsigned_abs())?,
    }
    let is_cut = kept.len() < fraction.len();
    Some(shifted(digits, factor, shift, is_cut).unwrap_or(AMOUNT_MAX).min(AMOUNT_MAX))
}

/// `digits * factor * 10^shift`, rounded up; `None` when it is too large to matter.
fn shifted(digits: i128, factor: i128, shift: i32, is_cut: bool) -> Option<i128> {
    if digits == 0 {
        return Some(i128::from(is_cut));
    }
    let power = |exponent: u32| 10_i128.checked_pow(exponent);
    if shift >= 0 {
        return digits.checked_mul(factor)?.checked_mul(power(shift.unsigned_abs())?);
    }
    let Some(divisor) = power(shift.unsigned_abs()) else { return Some(1) };
    match digits.checked_mul(factor) {
        Some(product) => Some((product + divisor - 1) / divisor),
        // Too many digits to multiply first: the last of them are below a billionth.
        None => (digits / divisor + 1).checked_mul(factor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> i128 {
        Amount::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).0
    }

    #[test]
    fn units_are_counted_upwards() {
        let cases = [
            ("500m", "1", Some(1)),
            ("2500m", "1m", Some(2500)),
            ("1Gi", "1Mi", Some(1024)),
            ("1", "0", None),
        ];
        for (amount, unit, expected) in cases {
            let [amount, unit] = [amount, unit].map(|text| Amount::parse(text).unwrap());
            assert_eq!(amount.in_units(unit), expected, "{amount:?} in {unit:?}");
        }
    }

    #[test]
    fn texts_mean_their_amount() {
        let cases = [
            ("0", 0),
            ("1", NANO),
            ("-1", -NANO),
            ("+5", 5 * NANO),
            ("500m", NANO / 2),
            ("0.5", NANO / 2),
            (".5", NANO / 2),
            ("1.", NANO),
            ("1e3", 1000 * NANO),
            ("1E-3", NANO / 1000),
            ("12e-1", NANO * 12 / 10),
            ("1.5e+2", 150 * NANO),
            ("1u", 1000),
            ("1k", 1000 * NANO),
            ("1Ki", 1024 * NANO),
            ("1Ei", (1 << 60) * NANO),
            ("10Gi", 10 * 1024 * 1024 * 1024 * NANO),
            ("1.5Gi", 1536 * 1024 * 1024 * NANO),
            ("1n", 1),
            ("0.1n", 1),
            ("1E", 1_000_000_000_000_000_000 * NANO),
            ("100E", AMOUNT_MAX),
            ("1e999999999", AMOUNT_MAX),
            ("1e-999999999", 1),
        ];
        for (text, expected) in cases {
            assert_eq!(nanos(text), expected, "{text}");
        }
    }

    #[test]
    fn different_spellings_of_an_amount_are_equal_and_larger_ones_are_larger() {
        assert_eq!(nanos("1024Mi"), nanos("1Gi"));
        assert_eq!(nanos("1000m"), nanos("1"));
        assert!(nanos("1Gi") > nanos("1G"));
    }

    #[test]
    fn what_is_no_quantity_is_refused_in_kubernetes_words() {
        for text in ["", "ten", "10 Gi", "Gi", "1Gi ", "-", "1x"] {
            assert_eq!(Amount::parse(text), Err(QuantityError::Format), "{text}");
        }
        for text in ["1GiB2", "10gi"] {
            assert_eq!(Amount::parse(text), Err(QuantityError::Format), "{text}");
        }
        for text in ["1KKi", "10mi", "1e", "1i"] {
            assert_eq!(Amount::parse(text), Err(QuantityError::Suffix), "{text}");
        }
        for text in [".", "1.2.3"] {
            assert_eq!(Amount::parse(text), Err(QuantityError::Number), "{text}");
        }
    }

    #[test]
    fn the_canonical_form_is_the_shortest_without_a_fraction() {
        let cases = [
            ("0.5", "500m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1000m", "1"),
            ("1000", "1k"),
            ("0", "0"),
            ("0Gi", "0"),
            ("512Ki", "512Ki"),
            ("0.5Ki", "512"),
            ("1e3", "1e3"),
            ("1500e0", "1500"),
            ("-1000m", "-1"),
            ("10G", "10G"),
            ("100m", "100m"),
        ];
        for (text, expected) in cases {
            let form = canonical(text);
            assert_eq!(form.as_deref(), Some(expected), "{text}");
            assert_eq!(canonical(expected).as_deref(), Some(expected), "{expected} again");
        }
        assert_eq!(canonical("much"), None);
    }

    #[test]
    fn whole_units_are_rounded_up() {
        let ceil = |text| Amount::parse(text).unwrap().ceil();
        assert_eq!((ceil("1m"), ceil("1"), ceil("-1500m"), ceil("100E")), (1, 1, -1, i64::MAX));
    }
}
