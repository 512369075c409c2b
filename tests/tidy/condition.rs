//! Which parts of a file belong to tests alone: the condition of a `cfg` attribute, decided for a
//! build that is no test.

use syn::punctuated::Punctuated;
use syn::{Attribute, ImplItem, Item, Meta, Token, TraitItem};

/// Whether these attributes keep a thing out of every build that is no test.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(is_test_condition)
}

pub(crate) fn is_test_condition(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args().is_ok_and(|condition| is_met(&condition) == Some(false))
}

/// `None` when it depends on the build.
fn is_met(condition: &Meta) -> Option<bool> {
    match condition {
        Meta::Path(path) => path.is_ident("test").then_some(false),
        Meta::List(list) => {
            let inner = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
            let mut answers = inner.iter().map(is_met);
            if list.path.is_ident("not") { Some(!answers.next()??) } else { joined(&list.path, answers) }
        }
        Meta::NameValue(_) => None,
    }
}

fn joined(word: &syn::Path, answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let answers: Vec<_> = answers.collect();
    let deciding = word.is_ident("any");
    if answers.contains(&Some(deciding)) {
        return Some(deciding);
    }
    (!answers.contains(&None)).then_some(!deciding)
}

pub(crate) fn of_item(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::ExternCrate(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::ForeignMod(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::TraitAlias(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Union(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}

pub(crate) fn of_impl_item(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(it) => &it.attrs,
        ImplItem::Fn(it) => &it.attrs,
        ImplItem::Type(it) => &it.attrs,
        ImplItem::Macro(it) => &it.attrs,
        _ => &[],
    }
}

pub(crate) fn of_trait_item(item: &TraitItem) -> &[Attribute] {
    match item {
        TraitItem::Const(it) => &it.attrs,
        TraitItem::Fn(it) => &it.attrs,
        TraitItem::Type(it) => &it.attrs,
        TraitItem::Macro(it) => &it.attrs,
        _ => &[],
    }
}
