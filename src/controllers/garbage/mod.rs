//! The garbage controller: dependents go when their owners are gone.
