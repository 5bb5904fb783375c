//! Certificate policies along a path (RFC 5280 6.1, with the graph of RFC 9618 in place of the tree, whose size an
//! attacker could choose).

use std::collections::BTreeSet;

use const_oid::ObjectIdentifier;
use pki_config::oid;

use super::cert::Cert;
use super::extensions::object_id;
use super::{Policies, Problem};
use crate::tlv::{self, BadDer, Reader};

/// Most policies, and most mappings, of one certificate that are looked at. A path has at most eight certificates, so
/// this bounds everything here.
const MOST: usize = 128;

const ANY: ObjectIdentifier = oid::ANY_POLICY;

/// A policy that is valid at one depth of the path.
struct Node {
    policy: ObjectIdentifier,
    /// What the next certificate may call it.
    expected: BTreeSet<ObjectIdentifier>,
    /// Whether it comes straight from anyPolicy above: then it is one of those the path's first authority named, and
    /// mappings since have not renamed it. `roots` are the names it has there.
    roots: BTreeSet<ObjectIdentifier>,
}

/// Where the check failed.
pub(super) struct Failed {
    pub(super) certificate: usize,
    pub(super) problem: Problem,
}

/// The policies valid along a path, of those the caller asks for: anyPolicy if all are. `path` is without the anchor,
/// the leaf first.
pub(super) fn valid(path: &[Cert], asked: &Policies<'_>) -> Result<Vec<ObjectIdentifier>, Failed> {
    let length = path.len() as u64;
    // How many more certificates may pass before each takes effect (RFC 5280 6.1.2 d, e, f).
    let start = |now: bool| if now { 0 } else { length + 1 };
    let mut explicit = start(asked.required);
    let mut inhibit_any = start(asked.any_inhibited);
    let mut mapping = start(asked.mapping_inhibited);
    let mut graph = Some(vec![Node { policy: ANY, expected: [ANY].into(), roots: [ANY].into() }]);
    for (certificate, cert) in path.iter().enumerate().rev() {
        let failed = |problem| Failed { certificate, problem };
        let unreadable = |_: BadDer| failed(Problem::PolicyUnreadable);
        let is_last = certificate == 0;
        let is_self_issued = cert.is_self_issued();
        graph = match (&cert.extensions().certificate_policies, graph) {
            (Some(der), Some(above)) => {
                let any_counts = inhibit_any > 0 || (!is_last && is_self_issued);
                next(&above, &policies(der).map_err(unreadable)?, any_counts)
            }
            _ => None,
        };
        let constraints = constraints(cert).map_err(unreadable)?;
        if is_last {
            // 6.1.5 a, b.
            explicit = explicit.saturating_sub(1);
            if constraints.required == Some(0) {
                explicit = 0;
            }
        } else if explicit == 0 && graph.is_none() {
            return Err(failed(Problem::NoValidPolicy));
        } else {
            if let Some(der) = &cert.extensions().policy_mappings {
                let mappings = mappings(der).map_err(unreadable)?;
                if mappings.iter().any(|(from, to)| *from == ANY || *to == ANY) {
                    return Err(failed(Problem::AnyPolicyMapped));
                }
                graph = graph.and_then(|graph| map(graph, &mappings, mapping > 0));
            }
            if !is_self_issued {
                [&mut explicit, &mut mapping, &mut inhibit_any]
                    .into_iter()
                    .for_each(|left| *left = left.saturating_sub(1));
            }
            explicit = explicit.min(constraints.required.unwrap_or(u64::MAX));
            mapping = mapping.min(constraints.mapping_inhibited.unwrap_or(u64::MAX));
            inhibit_any = inhibit_any.min(cert.extensions().inhibit_any_policy.unwrap_or(u64::MAX));
        }
    }
    let valid = chosen(graph.as_deref().unwrap_or_default(), asked.acceptable);
    if explicit == 0 && valid.is_empty() {
        return Err(Failed { certificate: 0, problem: Problem::NoValidPolicy });
    }
    Ok(valid)
}

/// The policies of the next certificate that are valid under those above (6.1.3 d); `None` if none is.
fn next(above: &[Node], policies: &[ObjectIdentifier], any_counts: bool) -> Option<Vec<Node>> {
    let mut nodes: Vec<Node> = Vec::new();
    let under = |policy: ObjectIdentifier| {
        let parents = above.iter().filter(|node| node.expected.contains(&policy));
        let roots: BTreeSet<_> = parents.flat_map(|node| rooted(node, policy)).collect();
        (!roots.is_empty()).then(|| Node { policy, expected: [policy].into(), roots })
    };
    let any_above = above.iter().any(|node| node.policy == ANY);
    for policy in policies.iter().copied().filter(|policy| *policy != ANY) {
        if nodes.iter().any(|node| node.policy == policy) {
            continue;
        }
        let under_any = || any_above.then(|| Node { policy, expected: [policy].into(), roots: [policy].into() });
        nodes.extend(under(policy).or_else(under_any));
    }
    if policies.contains(&ANY) && any_counts {
        let expected: BTreeSet<_> = above.iter().flat_map(|node| &node.expected).copied().collect();
        for policy in expected {
            if !nodes.iter().any(|node| node.policy == policy) {
                nodes.extend(under(policy));
            }
        }
    }
    (!nodes.is_empty()).then_some(nodes)
}

/// By which names the path's authorities know a policy that follows this node.
fn rooted(node: &Node, policy: ObjectIdentifier) -> BTreeSet<ObjectIdentifier> {
    if node.policy == ANY { [policy].into() } else { node.roots.clone() }
}

/// Applies the mappings of a certificate to its own policies (6.1.4 b).
fn map(mut graph: Vec<Node>, mappings: &[(ObjectIdentifier, ObjectIdentifier)], allowed: bool) -> Option<Vec<Node>> {
    let from: BTreeSet<_> = mappings.iter().map(|(from, _)| *from).collect();
    if !allowed {
        graph.retain(|node| !from.contains(&node.policy));
        return (!graph.is_empty()).then_some(graph);
    }
    let any_here = graph.iter().any(|node| node.policy == ANY);
    for policy in from {
        let expected: BTreeSet<_> = mappings.iter().filter(|(from, _)| *from == policy).map(|(_, to)| *to).collect();
        match graph.iter_mut().find(|node| node.policy == policy) {
            Some(node) => node.expected = expected,
            None if any_here => graph.push(Node { policy, expected, roots: [policy].into() }),
            None => {}
        }
    }
    Some(graph)
}

/// What of the acceptable policies is valid at the end (6.1.5 g). None acceptable means all are.
fn chosen(graph: &[Node], acceptable: &[ObjectIdentifier]) -> Vec<ObjectIdentifier> {
    let any = graph.iter().any(|node| node.policy == ANY);
    let roots: BTreeSet<_> =
        graph.iter().filter(|node| node.policy != ANY).flat_map(|node| &node.roots).copied().collect();
    if acceptable.is_empty() || acceptable.contains(&ANY) {
        return if any { vec![ANY] } else { roots.into_iter().collect() };
    }
    acceptable.iter().copied().filter(|policy| any || roots.contains(policy)).collect()
}

/// `certificatePolicies ::= SEQUENCE OF PolicyInformation { policyIdentifier, policyQualifiers OPTIONAL }`; qualifiers
/// are for reading by people and decide nothing.
fn policies(der: &[u8]) -> Result<Vec<ObjectIdentifier>, BadDer> {
    let mut list = tlv::single(der, tlv::SEQUENCE, "certificate policies")?.inside();
    let mut all = Vec::new();
    while !list.is_empty() {
        bounded(all.len())?;
        let mut one = list.expect(tlv::SEQUENCE, "policy")?.inside();
        all.push(object_id(one.expect(tlv::OID, "policy")?.value)?);
    }
    Ok(all)
}

/// `PolicyMappings ::= SEQUENCE OF SEQUENCE { issuerDomainPolicy, subjectDomainPolicy }`.
fn mappings(der: &[u8]) -> Result<Vec<(ObjectIdentifier, ObjectIdentifier)>, BadDer> {
    let mut list = tlv::single(der, tlv::SEQUENCE, "policy mappings")?.inside();
    let mut all = Vec::new();
    while !list.is_empty() {
        bounded(all.len())?;
        let mut one = list.expect(tlv::SEQUENCE, "policy mapping")?.inside();
        let side = |one: &mut Reader<'_>| object_id(one.expect(tlv::OID, "policy mapping")?.value);
        all.push((side(&mut one)?, side(&mut one)?));
        one.finish("policy mapping")?;
    }
    Ok(all)
}

struct Constraints {
    required: Option<u64>,
    mapping_inhibited: Option<u64>,
}

/// `PolicyConstraints ::= SEQUENCE { requireExplicitPolicy [0] INTEGER, inhibitPolicyMapping [1] INTEGER }`.
fn constraints(cert: &Cert) -> Result<Constraints, BadDer> {
    let mut read = Constraints { required: None, mapping_inhibited: None };
    if let Some(der) = &cert.extensions().policy_constraints {
        let mut inside = tlv::single(der, tlv::SEQUENCE, "policy constraints")?.inside();
        read.required = inside.optional(0x80)?.map(number).transpose()?;
        read.mapping_inhibited = inside.optional(0x81)?.map(number).transpose()?;
        inside.finish("policy constraints")?;
    }
    Ok(read)
}

fn number(tlv: tlv::Tlv<'_>) -> Result<u64, BadDer> {
    tlv::Tlv { tag: tlv::INTEGER, ..tlv }.small()
}

fn bounded(length: usize) -> Result<(), BadDer> {
    if length == MOST { tlv::bad("too many policies") } else { Ok(()) }
}
