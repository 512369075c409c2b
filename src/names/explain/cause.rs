//! The causes why a name has no records: a closed set, so that they can be counted.
//!
//! Each has a label for metrics and an advice for the documentation and `dullahan explain`.

macro_rules! causes {
    ($($variant:ident, $label:literal, $advice:literal;)*) => {
        /// Why a name has no records.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause { $(#[doc = $advice] $variant),* }

        impl Cause {
            /// All of them.
            pub const ALL: &'static [Cause] = &[$(Cause::$variant),*];

            /// The cause in a few words, for counting.
            pub const fn label(self) -> &'static str {
                match self { $(Cause::$variant => $label),* }
            }

            /// What can be done about it, or what it means.
            pub const fn advice(self) -> &'static str {
                match self { $(Cause::$variant => $advice),* }
            }
        }
    };
}

causes! {
    NoNamespace, "no namespace", "Create the namespace, or correct the name.";
    NamespaceNotPublished, "namespace not published", "Add the namespace to --namespaces.";
    NoService, "no service", "Create the Service (clusterIP: None for names of pods), or correct the name.";
    ExternalName, "external name", "An ExternalName service is an alias; nothing exists below it.";
    ServiceNotHeadless, "service not headless", "DNS servers need not know names of pods below such a Service; recreate it with clusterIP: None.";
    NoSelector, "no selector", "Give the Service a selector, or write EndpointSlices with its label.";
    SelectsNothing, "selects nothing", "Make the Service's selector equal to labels of the pods.";
    NoReadyEndpoint, "no ready endpoint", "Names appear when a pod becomes Ready.";
    NoPort, "no port", "Ask for a port that the Service has, or give its port that name.";
    NoTargetPort, "no target port", "Give a container a port of that name, or the Service's port a number as its targetPort.";
    OtherFamily, "other address family", "Ask for the other type, or make the cluster and the Service dual-stack.";
    NoCluster, "no cluster address", "The Service has not been given an address.";
    PodNotReady, "pod not ready", "The name appears when the pod becomes Ready; publishNotReadyAddresses publishes it at once.";
    PodPending, "pod pending", "The pod waits for a node.";
    PodStarting, "pod starting", "The pod's containers are being made.";
    PodCrashLooping, "pod crash-looping", "Read the logs of the last run: kubectl logs --previous.";
    PodTerminating, "pod terminating", "A terminating pod has no name; a StatefulSet makes it again once it has gone.";
    PodFailed, "pod failed", "The pod has ended and will not run again by itself.";
    PodSucceeded, "pod succeeded", "The pod has ended and will not run again by itself.";
    PodWithoutAddress, "pod without address", "The pod has not been given an address yet.";
    PodNotSelected, "pod not selected", "Make the Service's selector match the pod's labels.";
    HostnameDiffers, "hostname differs", "A pod's name is its spec.hostname.";
    SubdomainUnset, "subdomain unset", "Set spec.subdomain of the pod to the name of the Service; a StatefulSet does so by spec.serviceName.";
    SubdomainDiffers, "subdomain differs", "A pod has its name below the Service that its spec.subdomain names.";
    NotPublishedYet, "not published yet", "The pod is Ready; its endpoint is on its way.";
    EndpointsIgnored, "endpoints ignored", "--no-endpoints leaves EndpointSlices out.";
    OrdinalOutOfRange, "ordinal out of range", "Scale the StatefulSet.";
    OrdinalReserved, "ordinal reserved", "Remove the ordinal from the annotation dullahan.dev/reserved-ordinals.";
    PodMissing, "pod missing", "The StatefulSet makes the pod when its turn comes.";
    OtherService, "other service", "Pods of a StatefulSet have their names below the Service of its spec.serviceName.";
    NoControllers, "no controllers", "Files are served as they are: put Pods with their status and EndpointSlices into them, or use dullahan serve.";
    NoEndpoint, "no endpoint", "No pod, StatefulSet or EndpointSlice has this name.";
    PodNamesDisabled, "pod names disabled", "Serve them with --pods insecure or --pods verified.";
    NoPodWithAddress, "no pod with address", "Only addresses of existing pods have names: --pods verified.";
    NotBelowSvc, "not below svc", "Names of services are SERVICE.NAMESPACE.svc.DOMAIN.";
}
