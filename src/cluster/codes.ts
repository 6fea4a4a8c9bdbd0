/** What a code says, to everybody who meets it: printed with each problem and in the documentation. */
export interface CodeMeaning {
  readonly severity: "error" | "warning";
  /** One sentence. */
  readonly means: string;
  /** What to do about it, where the problem itself does not say it better. */
  readonly fix: string;
  /** An error that leaves a usable object: `lenient` loading turns it into a warning. */
  readonly tolerable?: true;
  /**
   * Where the rule comes from: a specification, a file of Kubernetes, or `kubehop` for this program's own limits. `core
   * validation` is pkg/apis/core/validation/validation.go, `strict decoding` what kubectl does with --validate=strict.
   */
  readonly source: string;
}

const table = {
  // Reading files
  YAML_SYNTAX: { severity: "error", means: "The text is not YAML.", fix: "Correct the syntax.", source: "YAML 1.2" },
  YAML_DUPLICATE_KEY: {
    severity: "error",
    means: "A mapping has the same key twice; only one of the values could count.",
    fix: "Remove one of the two.",
    source: "strict decoding",
  },
  YAML_ALIASES: {
    severity: "error",
    means: "Aliases (`*name`) multiply the document beyond all measure.",
    fix: "Write the values out.",
    source: "kubehop",
  },
  YAML_TOO_LARGE: {
    severity: "error",
    means: "The YAML is larger than 16 MB, which takes long to read.",
    fix: "Give JSON instead (`kubectl get -o json`), which has no limit, or raise the limit with --max-yaml.",
    source: "kubehop",
  },
  JSON_SYNTAX: { severity: "error", means: "The text is not JSON.", fix: "Correct the syntax.", source: "RFC 8259" },
  NOT_AN_OBJECT: {
    severity: "error",
    means: "A document is not a Kubernetes object (a mapping with apiVersion, kind and metadata).",
    fix: "Give manifests only; render Helm charts with `helm template` and kustomizations with `kubectl kustomize`.",
    source: "kubehop",
  },
  TOO_MANY_PROBLEMS: {
    severity: "error",
    means: "The input has more problems than are shown.",
    fix: "Correct the first ones and try again.",
    source: "kubehop",
  },
  // The shape of objects
  UNKNOWN_KIND: {
    severity: "error",
    means: "The API group has no such kind, and the name looks like a misspelling of one that matters.",
    fix: "Correct the kind.",
    source: "strict decoding",
  },
  BAD_API_VERSION: {
    severity: "error",
    tolerable: true,
    means: "The kind belongs to another API version.",
    fix: "Correct apiVersion.",
    source: "Kubernetes deprecation guide",
  },
  UNKNOWN_FIELD: {
    severity: "error",
    tolerable: true,
    means: "The object has no such field, and the name looks like a misspelling of one.",
    fix: "Correct the field's name.",
    source: "strict decoding",
  },
  FIELD_NOT_READ: {
    severity: "warning",
    means: "The field is not one of the API's that are known here; it has no effect.",
    fix: "Check its name and its indentation.",
    source: "strict decoding",
  },
  WRONG_TYPE: {
    severity: "error",
    means: "A value has the wrong type, for example a number where text must stand.",
    fix: "Correct the value; text that looks like a number or a truth value needs quotes.",
    source: "strict decoding",
  },
  REQUIRED: {
    severity: "error",
    tolerable: true,
    means: "A required field is missing.",
    fix: "Add the field.",
    source: "core validation",
  },
  BAD_VALUE: {
    severity: "error",
    means: "A field has a value that the API does not know.",
    fix: "Use one of the known values.",
    source: "core validation",
  },
  BAD_NAME: {
    severity: "error",
    tolerable: true,
    means: "A name is not one that DNS could hold.",
    fix: "Use lower case letters, digits and `-`, beginning and ending with a letter or digit.",
    source: "RFC 1123, RFC 1035; Kubernetes apimachinery pkg/util/validation",
  },
  BAD_LABEL: {
    severity: "error",
    tolerable: true,
    means: "A label's key or value is malformed.",
    fix: "Use at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit.",
    source: "Kubernetes apimachinery pkg/util/validation (IsQualifiedName, IsValidLabelValue)",
  },
  DUPLICATE_OBJECT: {
    severity: "error",
    tolerable: true,
    means: "Two objects have the same kind, namespace and name.",
    fix: "Rename or remove one of them.",
    source: "kubehop",
  },
  DUPLICATE_VALUE: {
    severity: "error",
    tolerable: true,
    means: "A list holds a value twice that it may hold once.",
    fix: "Remove one of the two.",
    source: "core validation",
  },
  TOO_MANY: {
    severity: "error",
    tolerable: true,
    means: "A list is longer than the API allows.",
    fix: "Split it over several objects.",
    source: "core validation; Kubernetes pkg/apis/discovery/validation",
  },
  // Addresses
  BAD_ADDRESS: {
    severity: "error",
    means: "A text is not an IP address.",
    fix: "Correct the address.",
    source: "core validation",
  },
  NON_STANDARD_ADDRESS: {
    severity: "warning",
    means: "An address or a block has leading zeros; they are read as decimal.",
    fix: "Write it without.",
    source: "Kubernetes apimachinery pkg/util/validation/ip.go (GetWarningsForIP)",
  },
  BAD_CIDR: {
    severity: "error",
    means: "A text is not an address block.",
    fix: "Write it as 10.0.0.0/8.",
    source: "core validation",
  },
  CIDR_OVERLAP: {
    severity: "error",
    means: "Two address blocks that must be apart share addresses.",
    fix: "Choose blocks that do not overlap.",
    source: "kubeadm; pkg/controller/nodeipam",
  },
  ADDRESS_TAKEN: {
    severity: "error",
    means: "Two nodes or two pods state the same address.",
    fix: "Give one of them another address.",
    source: "kubehop",
  },
  CLUSTER_IP_OUTSIDE: {
    severity: "error",
    means: "A ClusterIP lies outside the stated service CIDRs.",
    fix: "Use an address of the service CIDR, or state the CIDR with --service-cidr.",
    source: "Kubernetes pkg/registry/core/service/ipallocator (ErrNotInRange)",
  },
  CLUSTER_IP_TAKEN: {
    severity: "error",
    tolerable: true,
    means: "Two Services state the same ClusterIP.",
    fix: "Leave clusterIP out of one of them.",
    source: "Kubernetes pkg/registry/core/service/ipallocator (ErrAllocated)",
  },
  ADDRESSES_EXHAUSTED: {
    severity: "error",
    means: "A range of addresses or ports is used up.",
    fix: "Use a larger range, more nodes or fewer objects.",
    source: "Kubernetes allocators; CNI host-local",
  },
  UNKNOWN_SETTING: {
    severity: "error",
    means: "A cluster setting has a value that is not known.",
    fix: "Use one of the known values.",
    source: "kubehop",
  },
  // Services
  SERVICE_PORT_NAME: {
    severity: "error",
    tolerable: true,
    means: "A port of a Service with several ports has no name.",
    fix: "Give every port a name.",
    source: "core validation",
  },
  SERVICE_WITHOUT_PORTS: {
    severity: "warning",
    means:
      "A Service has no ports, which the API server takes of headless and ExternalName Services only: nothing leads to it.",
    fix: "Add ports, or make it headless.",
    source: "core validation",
  },
  DUPLICATE_PORT: {
    severity: "error",
    tolerable: true,
    means: "Two ports of an object have the same name, or the same number and protocol.",
    fix: "Change or remove one of them.",
    source: "core validation",
  },
  BAD_PORT: {
    severity: "error",
    means: "A port is neither a number from 1 to 65535 nor a port name.",
    fix: "Use such a number, or a name of at most 15 lower case letters, digits and `-` with at least one letter.",
    source: "RFC 6335; Kubernetes apimachinery pkg/util/validation (IsValidPortName)",
  },
  BAD_PROTOCOL: {
    severity: "error",
    means: "The protocol is not TCP, UDP or SCTP (upper case).",
    fix: "Use TCP, UDP or SCTP.",
    source: "core validation",
  },
  NODE_PORT_RANGE: {
    severity: "error",
    tolerable: true,
    means: "A nodePort lies outside 30000-32767.",
    fix: "Choose one from 30000 to 32767, or leave it out.",
    source: "Kubernetes pkg/registry/core/service/portallocator (ErrNotInRange)",
  },
  NODE_PORT_TAKEN: {
    severity: "error",
    means: "Two Services state the same nodePort.",
    fix: "Change one of them, or leave it out.",
    source: "Kubernetes pkg/registry/core/service/portallocator (ErrAllocated)",
  },
  NOT_ALLOWED_HERE: {
    severity: "error",
    tolerable: true,
    means: "A field may not be set together with another.",
    fix: "Remove one of the two.",
    source: "core validation",
  },
  // Selectors and policies
  BAD_SELECTOR: {
    severity: "error",
    means: "A label selector is malformed: In and NotIn need values, Exists and DoesNotExist must have none.",
    fix: "Correct the expression.",
    source: "Kubernetes apimachinery pkg/apis/meta/v1/validation (ValidateLabelSelectorRequirement)",
  },
  SELECTOR_MISMATCH: {
    severity: "error",
    tolerable: true,
    means: "A workload's selector does not match the labels of its own pod template.",
    fix: "Give the template all labels of the selector.",
    source: "Kubernetes pkg/apis/apps/validation/validation.go",
  },
  BAD_PEER: {
    severity: "error",
    means: "A peer of a NetworkPolicy is empty, or has an ipBlock beside a selector.",
    fix: "Use an ipBlock, or selectors, one kind per list entry.",
    source: "Kubernetes pkg/apis/networking/validation (ValidateNetworkPolicyPeer)",
  },
  // Between objects
  NO_SUCH_NODE: {
    severity: "error",
    means: "A pod is bound to a node that does not exist.",
    fix: "Correct nodeName, or add the Node.",
    source: "Kubernetes pkg/controller/podgc deletes such pods",
  },
  UNSCHEDULABLE: {
    severity: "warning",
    means: "No node may take the pod: it stays Pending and has no address.",
    fix: "Check nodeSelector, taints and tolerations.",
    source: "kube-scheduler (0/N nodes are available)",
  },
  SELECTOR_MATCHES_NOTHING: {
    severity: "warning",
    means: "A Service's selector matches no pod: connections to it are refused.",
    fix: "Compare the selector with the pods' labels.",
    source: "accepted by the API server",
  },
  TOPOLOGY_HINTS_DISABLED: {
    severity: "warning",
    means: "A Service asks for topology hints and its endpoints get none: traffic goes to all zones.",
    fix: "Give every node a zone, two zones at least, and each zone endpoints by its part of the CPUs; or set trafficDistribution.",
    source: "Kubernetes staging k8s.io/endpointslice/topologycache (TopologyAwareHintsDisabled)",
  },
  TARGET_PORT_NAME_UNKNOWN: {
    severity: "warning",
    means:
      "A Service's targetPort names a port that a selected pod does not have, so that pod is no endpoint of the port.",
    fix: "Name the container's port so, or use a number.",
    source: "accepted by the API server; Kubernetes pkg/api/v1/pod/util.go (FindPort)",
  },
  POLICY_SELECTS_NOTHING: {
    severity: "warning",
    means: "A NetworkPolicy's podSelector matches no pod of its namespace.",
    fix: "Compare the selector with the pods' labels.",
    source: "accepted by the API server",
  },
  SLICE_WITHOUT_SERVICE: {
    severity: "warning",
    means: "An EndpointSlice or Endpoints object belongs to no Service of the input.",
    fix: "Check the label kubernetes.io/service-name, or the name of the Endpoints.",
    source: "accepted by the API server",
  },
  SLICE_CRASHES_KUBE_PROXY: {
    severity: "error",
    means:
      "The API server accepts the slice, and kube-proxy 1.30 crashes when it sorts its ports: nobody programs the nodes.",
    fix: "Give every port of the slice a number.",
    source: "Kubernetes pkg/proxy/endpointslicecache.go (byPort)",
  },
  IGNORED_BY_KUBE_PROXY: {
    severity: "warning",
    means: "The API server accepts it, and kube-proxy passes over it.",
    fix: "Remove it, or state one of the Service's own address family.",
    source: "Kubernetes pkg/proxy/serviceport.go (newBaseServiceInfo), pkg/proxy/endpointslicecache.go",
  },
  // Edits
  NO_SUCH_OBJECT: {
    severity: "error",
    means: "An edit names an object that is not there.",
    fix: "Correct the kind, the namespace or the name.",
    source: "kubectl (NotFound)",
  },
  NOT_SCALABLE: {
    severity: "error",
    means: "An edit scales an object that has no replicas.",
    fix: "Scale a Deployment, ReplicaSet, StatefulSet or ReplicationController.",
    source: "kubectl scale",
  },
} as const;

export type ProblemCode = keyof typeof table;

/** Every code with its meaning. A code is never renamed; documentation is made from this table. */
export const problemCodes: Readonly<Record<ProblemCode, CodeMeaning>> = table;
