//! Query strings, decoded once.

use crate::api::answer::status::Failure;

/// The parameters of a request, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The first value of a parameter; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name)?;
        Some(found.1.as_str()).filter(|value| !value.is_empty())
    }

    /// Every value of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter is set and not to `false` or `0`.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.is_some_and(|(_, value)| !matches!(value.as_str(), "false" | "False" | "FALSE" | "0"))
    }

    /// A parameter that is a number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.parse().map_err(|_| {
            Failure::bad_request(format!(
                "{name}: Invalid value: \"{text}\": must be a number that is not negative"
            ))
        })?;
        Ok(Some(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_empty_ones_are_absent() {
        let query = Query::parse("&limit=5&labelSelector=app+in+%28a%2Cb%29&watch&x=&follow=false&n=-1");
        assert_eq!(query.number("limit"), Ok(Some(5)));
        assert_eq!(query.get("labelSelector"), Some("app in (a,b)"));
        assert_eq!((query.is_set("watch"), query.is_set("follow"), query.is_set("y")), (true, false, false));
        assert_eq!(query.get("x"), None);
        assert_eq!(query.number("n").unwrap_err().code, 400);
    }
}
