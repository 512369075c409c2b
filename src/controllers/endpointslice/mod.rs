//! The EndpointSlice controller: services and pods to slices.
