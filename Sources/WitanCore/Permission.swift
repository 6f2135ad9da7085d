/// What a grant lets somebody do with an object (design: access control, section 2).
package enum Permission: String, Sendable, CaseIterable {
    case create
    case read
    case update
    case delete
    case createACLs = "create_acls"
    case readACLs = "read_acls"
    case updateACLs = "update_acls"
    case deleteACLs = "delete_acls"
}
