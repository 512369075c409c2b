//! A column of a table: its heading, its type and what its cells say.
//!
//! The fields are those of `TableColumnDefinition` (`meta.k8s.io/v1`).

/// One column of the table of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The heading, which kubectl prints in capitals.
    pub name: &'static str,
    /// The OpenAPI type of the cells.
    pub cell_type: &'static str,
    /// `name` for the column with the object's name.
    pub format: &'static str,
    /// 0 for every table, 1 for wide ones.
    pub priority: i32,
    /// What the cells say.
    pub description: &'static str,
}

pub(super) const fn text(name: &'static str, description: &'static str) -> Column {
    Column { name, cell_type: "string", format: "", priority: 0, description }
}

pub(super) const fn wide(name: &'static str, description: &'static str) -> Column {
    Column { priority: 1, ..text(name, description) }
}

pub(super) const fn number(name: &'static str, description: &'static str) -> Column {
    Column { cell_type: "integer", ..text(name, description) }
}

pub(super) const NAME: Column =
    Column { format: "name", ..text("Name", "The name, unique within its namespace.") };
pub(super) const AGE: Column = text("Age", "How long ago the object was created.");
