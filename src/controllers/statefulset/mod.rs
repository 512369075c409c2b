//! The StatefulSet controller: decides with a pure planner, then acts.
