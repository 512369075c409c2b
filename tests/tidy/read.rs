//! One file, parsed: its modules with what they define, import and mention, its functions, and its
//! lines without what belongs to tests alone.
//!
//! Paths are kept as they are written; `resolve` says what they mean. Imports and names within a
//! function count as its module's: that can only report too much.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Ident, ImplItem, Item, ItemMod, ItemUse, TraitItem, UseTree, Visibility};

use crate::condition;
use crate::token::{self, plain};

/// A path as it is written.
#[derive(Debug)]
pub(crate) struct Mention {
    pub(crate) line: usize,
    pub(crate) path: Vec<String>,
}

/// A leaf of a `use` tree.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) line: usize,
    pub(crate) path: Vec<String>,
    /// The name it has here; `None` when all names are imported.
    pub(crate) name: Option<String>,
    pub(crate) is_public: bool,
}

/// `mod name;`, or a module that is for tests.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) name: String,
    pub(crate) is_test: bool,
}

/// A module as far as this file tells it; the first is the file's own.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// The names of the inline modules around it and its own; empty for the file's own.
    pub(crate) path: Vec<String>,
    /// The index of the module around it.
    pub(crate) parent: usize,
    pub(crate) items: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) declarations: Vec<Declaration>,
}

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) n_lines: usize,
}

/// A file below `src`.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) scopes: Vec<Scope>,
    pub(crate) functions: Vec<Function>,
    /// Lines that belong to tests alone.
    tests: Vec<RangeInclusive<usize>>,
    /// What this reader does not understand.
    pub(crate) faults: Vec<String>,
    scope: usize,
}

impl Reading {
    pub(crate) fn of(text: &str) -> syn::Result<Self> {
        let file = syn::parse_file(text)?;
        let mut reading = Self { scopes: vec![Scope::default()], ..Self::default() };
        reading.visit_file(&file);
        Ok(reading)
    }

    pub(crate) fn is_production(&self, line: usize) -> bool {
        !self.tests.iter().any(|lines| lines.contains(&line))
    }

    fn scope(&mut self) -> &mut Scope {
        &mut self.scopes[self.scope]
    }

    /// Whether a node is for tests alone; its lines are put down then.
    fn skips(&mut self, attributes: &[Attribute], node: &impl Spanned) -> bool {
        let is_test = condition::is_test(attributes);
        if is_test {
            let span = node.span();
            self.tests.push(span.start().line..=span.end().line);
        }
        is_test
    }

    fn measure(&mut self, name: &Ident, start: &impl Spanned, block: &Block) {
        let line = start.span().start().line;
        let n_lines = block.brace_token.span.close().end().line + 1 - line;
        self.functions.push(Function { name: name.to_string(), line, n_lines });
    }

    fn import(&mut self, tree: &UseTree, before: &[String], is_public: bool) {
        let with = |name: &Ident| {
            let own = Some(plain(name)).filter(|name| name != "self" || before.is_empty());
            before.iter().cloned().chain(own).collect::<Vec<_>>()
        };
        let line = tree.span().start().line;
        let (path, name) = match tree {
            UseTree::Path(path) => return self.import(&path.tree, &with(&path.ident), is_public),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(tree, before, is_public));
            }
            UseTree::Glob(_) => (before.to_vec(), None),
            UseTree::Rename(leaf) => (with(&leaf.ident), Some(plain(&leaf.rename))),
            UseTree::Name(leaf) => {
                let path = with(&leaf.ident);
                let name = path.last().cloned();
                (path, name)
            }
        };
        self.scope().imports.push(Import { line, path, name, is_public });
    }
}

impl<'ast> Visit<'ast> for Reading {
    fn visit_item(&mut self, item: &'ast Item) {
        let is_skipped = self.skips(condition::of_item(item), item);
        if is_skipped && let Item::Mod(module) = item {
            let name = plain(&module.ident);
            self.scope().declarations.push(Declaration { name, is_test: true });
        }
        if !is_skipped {
            let name = ident(item).map(plain);
            self.scope().items.extend(name);
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let name = plain(&module.ident);
        let Some((_, items)) = &module.content else {
            self.scope().declarations.push(Declaration { name, is_test: false });
            return;
        };
        let parent = self.scope;
        let path = self.scope().path.iter().cloned().chain([name]).collect();
        self.scopes.push(Scope { path, parent, ..Scope::default() });
        self.scope = self.scopes.len() - 1;
        items.iter().for_each(|item| self.visit_item(item));
        self.scope = parent;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_public = !matches!(item.vis, Visibility::Inherited);
        self.import(&item.tree, &[], is_public);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !self.skips(condition::of_impl_item(item), item) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !self.skips(condition::of_trait_item(item), item) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !self.skips(&field.attrs, field) {
            visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if !self.skips(&field.attrs, field) {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !self.skips(&variant.attrs, variant) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !self.skips(&arm.attrs, arm) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !self.skips(&local.attrs, local) {
            visit::visit_local(self, local);
        }
    }

    fn visit_stmt_macro(&mut self, statement: &'ast syn::StmtMacro) {
        if !self.skips(&statement.attrs, statement) {
            visit::visit_stmt_macro(self, statement);
        }
    }

    /// A condition that gets here stands on something that is not skipped above.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if condition::is_test_condition(attribute) {
            let line = attribute.span().start().line;
            self.faults.push(format!("{line}: cfg(test) on what tests/tidy/read.rs cannot skip"));
        }
        if !attribute.path().is_ident("doc") {
            visit::visit_attribute(self, attribute);
        }
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        token::quoted_paths(list.tokens.clone(), &mut self.scope().mentions);
        visit::visit_meta_list(self, list);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig.ident, &function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig.ident, &function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig.ident, &function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| plain(&segment.ident)).collect();
        let line = path.span().start().line;
        self.scope().mentions.push(Mention { line, path: segments });
        visit::visit_path(self, path);
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        token::paths(tokens.clone(), &mut self.scope().mentions);
    }
}

/// The name that an item gives its module, other than a module's.
fn ident(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(it) => Some(&it.ident),
        Item::Enum(it) => Some(&it.ident),
        Item::Fn(it) => Some(&it.sig.ident),
        Item::Macro(it) => it.ident.as_ref(),
        Item::Static(it) => Some(&it.ident),
        Item::Struct(it) => Some(&it.ident),
        Item::Trait(it) => Some(&it.ident),
        Item::TraitAlias(it) => Some(&it.ident),
        Item::Type(it) => Some(&it.ident),
        Item::Union(it) => Some(&it.ident),
        _ => None,
    }
}
