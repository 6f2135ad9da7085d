package import WitanCore

/// One kind of object that the API serves: its fields, its operations and its rules, as data.
///
/// The engine makes everything from it: routes, access, validation, SQL, paging and filters, the API document, the
/// documentation pages and the contract tests.
package struct Resource: Sendable {
    /// What can be done with an object.
    package enum Operation: String, Sendable, CaseIterable {
        case list
        case create
        case replace
        case get
        case patch
        case delete
    }

    /// What a row belongs to, and with it the object that grants are looked for on.
    package enum Scope: Sendable, Hashable {
        /// The rows are the organizations.
        case organizations
        /// The rows are people and service accounts; grants are looked for on the members of an organization.
        case members
        /// The rows are objects of an organization, whose id is in the field.
        ///
        /// With `sharesOthers`, rows of no organization are there for everybody to read and for nobody to change.
        case organization(String, sharesOthers: Bool = false)
        /// The rows belong to a person in an organization; grants are looked for on its members.
        case person(String, organization: String)
        /// The rows are grants; grants are looked for on the object that they are given on.
        case grants(type: String, object: String, organization: String)
    }

    /// What a caller must hold for an operation, beside a place in the organization.
    package enum Requirement: Sendable, Hashable {
        /// Nothing: the operation is about what is the caller's own.
        case own
        /// A permission on the object, or on what it is in when it is to be made.
        case permission(Permission)
        /// A permission, except for what is the caller's own.
        case ownOr(Permission)
    }

    /// A query parameter of the list that narrows it.
    package struct Filter: Sendable, Hashable {
        /// The query parameter's name.
        package let parameter: String

        /// The field that it is compared with, exactly.
        package let field: String

        /// Whether the parameter may be given more than once; one match is enough.
        package let isRepeatable: Bool

        /// Whether the list needs it; the list of an organization does not.
        package let isRequired: Bool

        /// A filter on equality.
        package static func equals<Value>(
            _ parameter: String,
            _ field: Field<Value>,
            isRepeatable: Bool = false,
            isRequired: Bool = false
        ) -> Filter {
            Filter(
                parameter: parameter,
                field: field.spec.name,
                isRepeatable: isRepeatable,
                isRequired: isRequired
            )
        }
    }

    /// A second list, of every row of one organization.
    package struct OrganizationList: Sendable, Hashable {
        /// Its path: `/v1/organization/api_keys`.
        package let path: String

        /// The permission that the caller must hold.
        package let permission: Permission

        /// The organization-wide object on which they must hold it.
        package let objectType: ObjectType

        /// Whether the answer is the array itself, without `{"objects": …}` around it.
        package let isBareArray: Bool

        /// Describes a list.
        package init(_ path: String, _ permission: Permission, on objectType: ObjectType, isBareArray: Bool = false) {
            self.path = path
            self.permission = permission
            self.objectType = objectType
            self.isBareArray = isBareArray
        }
    }

    /// What a create does when an object of the same natural key is there.
    package enum Uniqueness: Sendable, Hashable {
        /// Nothing is unique.
        case none
        /// The fields are unique together; a create returns the object that is there, unmodified.
        case key([String])
        /// The fields find the object that PUT replaces, the newest when there are several; a create makes another.
        case replacedBy([String])
    }

    /// What DELETE does to the row.
    package enum Deletion: Sendable, Hashable {
        /// The row goes.
        case hard
        /// The named timestamp is set, and the row is hidden from then on.
        case soft(String)
    }

    /// How DELETE of the collection names one object in its body, where there is such a call.
    package enum DeletionBody: Sendable, Hashable {
        /// By `id`.
        case id
        /// By the members of a create.
        case content
    }

    /// The noun in paths, texts and parameters: `api_key`.
    package let name: String

    /// The tag in the API document: `ApiKeys`.
    package let tag: String

    /// The name of its schema in the API document: `ApiKey`.
    package let schemaName: String

    /// The name of its table.
    package let table: String

    /// The members of its JSON, in order.
    package let fields: [FieldSpec]

    /// As what kind of object grants name it.
    package let objectType: ObjectType

    /// What can be done, and what a caller must hold for it.
    package let operations: [Operation: Requirement]

    /// What a row belongs to.
    package let scope: Scope

    /// The list's own query parameters, besides paging, `ids` and `org_name`.
    package let filters: [Filter]

    /// The list of every row of one organization; nil when there is none.
    package let organizationList: OrganizationList?

    /// Whether a list may lack what was made some moments ago: one that nobody decides by, and that a replica can give.
    package let listsMayBeStale: Bool

    /// What is unique.
    package let uniqueness: Uniqueness

    /// What DELETE does.
    package let deletion: Deletion

    /// How DELETE of the collection names an object; nil when there is no such call.
    package let deletionBody: DeletionBody?

    /// The member that the answer to a create has besides, which shows a secret this once; nil when there is none.
    package let secretMember: String?

    /// What an operation's description adds, for the API document.
    package let remarks: [Operation: String]

    /// Declares a resource.
    ///
    /// - Precondition: the first field is `id`, a field `created` exists, and every name in `scope`, `filters`,
    ///   `uniqueness` and `deletion` is a field's.
    package init(
        _ name: String,
        tag: String,
        schemaName: String,
        table: String,
        fields: [FieldSpec],
        objectType: ObjectType,
        operations: [Operation: Requirement],
        scope: Scope,
        filters: [Filter] = [],
        organizationList: OrganizationList? = nil,
        listsMayBeStale: Bool = false,
        uniqueness: Uniqueness = .none,
        deletion: Deletion = .hard,
        deletionBody: DeletionBody? = nil,
        secretMember: String? = nil,
        remarks: [Operation: String] = [:]
    ) {
        self.name = name
        self.tag = tag
        self.schemaName = schemaName
        self.table = table
        self.fields = fields
        self.objectType = objectType
        self.operations = operations
        self.scope = scope
        self.filters = filters
        self.organizationList = organizationList
        self.listsMayBeStale = listsMayBeStale
        self.uniqueness = uniqueness
        self.deletion = deletion
        self.deletionBody = deletionBody
        self.secretMember = secretMember
        self.remarks = remarks
        let names = Set(fields.map(\.name))
        precondition(
            fields.first?.name == "id" && names.contains("created"),
            "\(name) needs `id`, first, and `created`"
        )
        precondition(names.count == fields.count, "\(name) has two fields of one name")
        precondition(
            organizationList == nil || organizationField != nil,
            "\(name) has a list by organization, but its rows belong to none"
        )
        precondition(names.isSuperset(of: mentionedFields), "\(name) mentions a field that it does not have")
        precondition(
            deletionBody == nil || operations[.delete] != nil,
            "\(name) says how its deletion names an object, but has none"
        )
    }

    /// The path of the collection: `/v1/api_key`.
    package var path: String { "/v1/\(name)" }

    /// The name of the id in the path of one object: `api_key_id`.
    package var idParameter: String { "\(name)_id" }

    /// The field that holds the organization of a row.
    package var organizationField: String? {
        switch scope {
        case .organization(let field, _), .person(_, organization: let field), .grants(_, _, organization: let field):
            field
        case .organizations, .members: nil
        }
    }

    /// Whether a create must find out in which organization, from its body or its caller.
    package var choosesOrganization: Bool {
        switch scope {
        case .organization, .person: true
        case .organizations, .members, .grants: false
        }
    }

    private var mentionedFields: [String] {
        var names = filters.map(\.field)
        switch scope {
        case .organization(let field, _): names.append(field)
        case .person(let person, let organization): names += [person, organization]
        case .grants(let type, let object, let organization): names += [type, object, organization]
        case .organizations, .members: break
        }
        switch uniqueness {
        case .key(let fields), .replacedBy(let fields): names += fields
        case .none: break
        }
        if case .soft(let field) = deletion { names.append(field) }
        return names
    }
}
