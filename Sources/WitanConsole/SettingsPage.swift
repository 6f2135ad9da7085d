import WitanCore
import WitanServices
import WitanStorage

/// A page of the settings: what it shows, and what its forms do.
protocol SettingsPage: Sendable {
    /// Its name and its place in the addresses.
    var place: SettingsPlace { get }

    /// Whether a person may see it; it stands in their navigation then.
    func isOffered(to visit: Visit) -> Bool

    /// Answers a GET.
    func show(_ visit: Visit) async throws -> PageOutcome

    /// Answers a form that was sent, whose token was checked.
    func change(_ visit: Visit) async throws -> PageOutcome
}

extension SettingsPage {
    /// Everybody in the organization may see it.
    func isOffered(to visit: Visit) -> Bool { true }
}

/// A page's name, and the last part of its address.
struct SettingsPlace: Sendable, Hashable {
    /// The last segment of the path.
    let slug: String

    /// What people call it.
    let title: String

    /// The address of a page of the organization that was looked at last.
    static func current(_ slug: String) -> String { "/app/~/configuration/org/\(slug)" }

    /// The address of an organization's page.
    static func address(_ organization: Account.Membership, _ slug: String) -> String {
        "\(root(of: organization))/configuration/org/\(slug)"
    }

    /// The address of the page of one's own account, beside an organization's pages.
    static func account(_ organization: Account.Membership) -> String {
        "\(root(of: organization))/configuration/account"
    }

    /// By its name, as people know it; by its id when the name would be longer than all the rest of a page's links, or
    /// has a meaning of its own in an address.
    private static func root(of organization: Account.Membership) -> String {
        let name = FormFields.encode(organization.organizationName)
        let isPlain = name.utf8.count <= 120 && !meaningfulSegments.contains(name)
        return "/app/\(isPlain ? name : organization.organizationID.description)"
    }

    /// The organization that was looked at last, and what browsers take out of a path (RFC 3986, 5.2.4).
    private static let meaningfulSegments: Set = ["~", ".", ".."]
}

/// A signed-in person's request for a page of one organization.
struct Visit: Sendable {
    /// What was asked.
    let request: PageRequest

    /// Who asks, in this organization alone: what a page hands to the services.
    let caller: Caller

    /// Who asks, in all their organizations: for what concerns their own account.
    let everywhere: Caller

    /// The organization.
    let organization: Account.Membership

    /// What they may do in it, for what is offered.
    let access: Access

    /// What their forms must carry.
    let formToken: FormToken

    /// The names of the cookies.
    let cookies: BrowserCookies

    /// The organization's id.
    var organizationID: ObjectID { organization.organizationID }

    /// The services' way to name the organization.
    var selector: Identity.Selector { Identity.Selector(id: organizationID) }

    /// The address of a page of this organization, with a query.
    func address(of place: SettingsPlace, _ query: [(name: String, value: String?)] = []) -> String {
        SettingsPlace.address(organization, place.slug) + FormFields.query(query)
    }
}

/// What a page answers.
enum PageOutcome: Sendable {
    /// A page.
    case page(PageContent)
    /// Something else: another address, or a file.
    case response(PageResponse)

    /// Sends the browser to another address, after a change.
    static func seeOther(_ address: String) -> PageOutcome { .response(.seeOther(address)) }
}

/// A page's own part.
struct PageContent: Sendable {
    /// What was refused or went wrong; nil when all went well.
    var failure: Failure?

    /// The title, when it is not the page's.
    var title: String?

    /// What went well, in a sentence.
    var notice: String?

    /// What went wrong, in a sentence.
    var alert: String?

    /// Whether the organization becomes the one that `~` stands for.
    var setsCurrentOrganization = true

    /// Makes the whole page of its template and values.
    let render: @Sendable (PageTemplates, PageFrame) throws(Failure) -> String

    /// Takes the template's name and its values.
    init(_ template: String, _ values: some Sendable, notice: String? = nil, alert: String? = nil) {
        self.notice = notice?.shortened(to: 1_000)
        self.alert = alert?.shortened(to: 1_000)
        render = { templates, frame throws(Failure) in try templates.render(template, frame, values) }
    }
}
