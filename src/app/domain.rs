//! Domain names that flags give.
//!
//! The root is refused: it is not a zone that this server could have.

use anyhow::{Context, bail};
use hickory_proto::rr::Name;

/// A domain that is given by a flag.
pub(super) fn domain(flag: &str, text: &str) -> anyhow::Result<Name> {
    let mut name =
        Name::from_ascii(text).with_context(|| format!("{flag}: \"{text}\" is not a domain name"))?;
    // An empty text is a name without labels that is not the root.
    if name.num_labels() == 0 {
        bail!("{flag}: the root is not a zone that can be served; name a domain such as cluster.local");
    }
    name.set_fqdn(true);
    Ok(name)
}
