/// The kinds of objects that grants are given on and restricted to (design: access control, section 2).
///
/// `orgMember`, `orgProject` and `orgAuditLogs` stand for all members, all projects and the audit log of an
/// organization: their id is the organization's.
package enum ObjectType: String, Sendable, CaseIterable {
    case organization
    case project
    case experiment
    case dataset
    case prompt
    case promptSession = "prompt_session"
    case group
    case role
    case orgMember = "org_member"
    case projectLog = "project_log"
    case orgProject = "org_project"
    case orgAuditLogs = "org_audit_logs"
    case projectGroup = "project_group"
}
