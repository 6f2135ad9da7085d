import WitanCore

/// What a form for a new key holds, to be shown again when something is wrong with it.
struct CreationForm: Sendable {
    let name: String
    let choices: [Choice]
    let expiresOn: String

    /// The first day that can be chosen: tomorrow, as the server counts days.
    let firstDay: String

    var nameError: String?
    var alert: String?

    private let expiry: String

    /// A form as it was sent, or an empty one.
    init(_ sent: FormFields, at now: Timestamp) {
        let expiry = sent["expiry"] ?? "never"
        self.expiry = expiry
        name = (sent["name"] ?? "").shortened(to: 1_024)
        expiresOn = (sent["expires_on"] ?? "").shortened(to: 32)
        firstDay = Moment(now.advanced(by: .seconds(86_400))).date
        choices = [("never", "Never"), ("30", "After 30 days"), ("90", "After 90 days"), ("date", "On a date")]
            .map { Choice(value: $0.0, title: $0.1, isChosen: $0.0 == expiry) }
    }

    /// The moment that the form asks for; nil for never.
    func expiry(at now: Timestamp) throws(Failure) -> Timestamp? {
        switch expiry {
        case "30": return now.advanced(by: .seconds(30 * 86_400)).truncatedToMilliseconds
        case "90": return now.advanced(by: .seconds(90 * 86_400)).truncatedToMilliseconds
        case "date":
            guard let date = Timestamp(rfc3339: "\(expiresOn)T00:00:00Z"), date > now else {
                throw Failure(.invalidRequest, "Choose a date after today (UTC) on which the key expires.")
            }
            return date
        default: return nil
        }
    }
}
