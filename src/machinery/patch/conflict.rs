//! Why an object cannot be applied: conflicts with the owners of fields, in Kubernetes' words.
//!
//! A conflict names one field and one of its owners; the message of several lists them by owner.

/// A field that the applied object wants changed and that another manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyConflict {
    /// The manager that owns the field.
    pub manager: String,
    /// The version it wrote the field in (`apps/v1`).
    pub api_version: String,
    /// The subresource it wrote the field through; empty for the object itself.
    pub subresource: String,
    /// Whether it applied the field, too.
    pub is_applied: bool,
    /// The path of the field (`.spec.replicas`).
    pub field: String,
}

impl ApplyConflict {
    /// The message of the conflict's cause: `conflict with "kubectl" using apps/v1`.
    pub fn message(&self) -> String {
        format!("conflict with {}", self.owner())
    }

    fn owner(&self) -> String {
        let mut owner = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            owner.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if !self.is_applied {
            owner.push_str(&format!(" using {}", self.api_version));
        }
        owner
    }
}

/// Why an object cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Others own fields that it wants changed (`Conflict`, 409, one cause per field).
    #[error("{}", conflict_text(.0))]
    Conflicts(Vec<ApplyConflict>),
    /// The applied object says who owns fields (`BadRequest`, 400).
    #[error("metadata.managedFields must be nil")]
    HasManagedFields,
    /// The applied object is of another version or kind, or no object (`BadRequest`, 400).
    #[error(
        "Incorrect version specified in apply patch. Specified patch version: {found}, expected: {expected}"
    )]
    WrongVersion {
        /// The kind and version that the patch says.
        found: String,
        /// Those of the resource.
        expected: String,
    },
    /// The applied object does not fit its types (Kubernetes answers 500, without a reason).
    #[error("failed to create typed patch object ({object}): {}", fault_text(.faults))]
    NotTyped {
        /// `namespace/name; apps/v1, Kind=StatefulSet`.
        object: String,
        /// What does not fit, each with its path.
        faults: Vec<String>,
    },
}

impl ApplyError {
    /// The conflicts, if that is what is wrong.
    pub fn conflicts(&self) -> &[ApplyConflict] {
        match self {
            Self::Conflicts(conflicts) => conflicts,
            _ => &[],
        }
    }
}

fn conflict_text(conflicts: &[ApplyConflict]) -> String {
    if let [conflict] = conflicts {
        return format!("Apply failed with 1 conflict: {}: {}", conflict.message(), conflict.field);
    }
    let mut lines = Vec::new();
    let mut owner_before = None;
    for conflict in conflicts {
        let owner = conflict.owner();
        if owner_before.as_ref() != Some(&owner) {
            lines.push(format!("conflicts with {owner}:"));
        }
        lines.push(format!("- {}", conflict.field));
        owner_before = Some(owner);
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

fn fault_text(faults: &[String]) -> String {
    match faults {
        [fault] => fault.clone(),
        faults => faults.iter().fold("errors:\n".to_owned(), |text, fault| format!("{text}  {fault}\n")),
    }
}
