/// One kind of object that the API serves: its fields, its operations and its rules, as data.
///
/// The engine makes everything from it: routes, validation, SQL, paging and filters, the API document, the
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

    /// Whose rows a caller can see.
    package enum Scope: Sendable, Hashable {
        /// The organizations that the caller is in.
        case ownOrganizations
        /// The people of the organizations that the caller is in.
        case fellowMembers
        /// The rows of the organizations that the caller is in; `organization` names the column.
        case organization(String)
        /// The rows that are the caller's own, and by id, for an organization's owner, all of that organization's.
        case person(String, organization: String)
    }

    /// Who, of those that see a row, may do an operation.
    package enum Requirement: Sendable, Hashable {
        /// Every member of the organization.
        case member
        /// The organization's owners.
        case owner
    }

    /// A query parameter of the list that narrows it.
    package struct Filter: Sendable, Hashable {
        /// The query parameter's name.
        package let parameter: String

        /// The field that it is compared with, exactly.
        package let field: String

        /// Whether the parameter may be given more than once; one match is enough.
        package let isRepeatable: Bool

        /// A filter on equality.
        package static func equals(_ parameter: String, _ field: Field<String>, isRepeatable: Bool = false) -> Filter {
            Filter(parameter: parameter, field: field.spec.name, isRepeatable: isRepeatable)
        }
    }

    /// What a create does when an object of the same natural key is there.
    package enum Uniqueness: Sendable, Hashable {
        /// Nothing is unique.
        case none
        /// The fields are unique together; a create returns the object that is there, unmodified.
        case key([String])
    }

    /// What DELETE does to the row.
    package enum Deletion: Sendable, Hashable {
        /// The row goes.
        case hard
        /// The named timestamp is set, and the row is hidden from then on.
        case soft(String)
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

    /// What can be done, and who may do it.
    package let operations: [Operation: Requirement]

    /// Whose rows a caller can see.
    package let scope: Scope

    /// The list's own query parameters, besides paging, `ids` and `org_name`.
    package let filters: [Filter]

    /// The path of a second list, of every row of one organization and for its owners; nil when there is none.
    package let organizationListPath: String?

    /// What is unique.
    package let uniqueness: Uniqueness

    /// What DELETE does.
    package let deletion: Deletion

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
        operations: [Operation: Requirement],
        scope: Scope,
        filters: [Filter] = [],
        organizationListPath: String? = nil,
        uniqueness: Uniqueness = .none,
        deletion: Deletion = .hard,
        remarks: [Operation: String] = [:]
    ) {
        self.name = name
        self.tag = tag
        self.schemaName = schemaName
        self.table = table
        self.fields = fields
        self.operations = operations
        self.scope = scope
        self.filters = filters
        self.organizationListPath = organizationListPath
        self.uniqueness = uniqueness
        self.deletion = deletion
        self.remarks = remarks
        let names = Set(fields.map(\.name))
        precondition(
            fields.first?.name == "id" && names.contains("created"),
            "\(name) needs `id`, first, and `created`"
        )
        precondition(names.count == fields.count, "\(name) has two fields of one name")
        precondition(
            organizationListPath == nil || organizationField != nil,
            "\(name) has a list by organization, but its rows belong to none"
        )
        precondition(names.isSuperset(of: mentionedFields), "\(name) mentions a field that it does not have")
    }

    /// The path of the collection: `/v1/api_key`.
    package var path: String { "/v1/\(name)" }

    /// The name of the id in the path of one object: `api_key_id`.
    package var idParameter: String { "\(name)_id" }

    /// Whether an object belongs to one organization, which a create must then find out.
    package var organizationField: String? {
        switch scope {
        case .organization(let field), .person(_, organization: let field): field
        case .ownOrganizations, .fellowMembers: nil
        }
    }

    private var mentionedFields: [String] {
        var names = filters.map(\.field)
        switch scope {
        case .organization(let field): names.append(field)
        case .person(let person, let organization): names += [person, organization]
        case .ownOrganizations, .fellowMembers: break
        }
        if case .key(let fields) = uniqueness { names += fields }
        if case .soft(let field) = deletion { names.append(field) }
        return names
    }
}
