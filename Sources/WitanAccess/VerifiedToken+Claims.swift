import WitanCore
import WitanJSON

extension VerifiedToken {
    /// Checks the claims of a token whose signature is the issuer's (RFC 7519, section 4.1; RFC 8725, section 3).
    ///
    /// `leeway` is how far `nbf` and `iat` may lie ahead, for a clock of the issuer's that is fast. `exp` has none: a
    /// token ends when it says.
    init(claims: JSONObject, issuer: TrustedIssuer, now: Timestamp, leeway: Duration) throws(Failure) {
        guard claims.audience(contains: issuer.audience) else { throw .refused(.audience) }
        guard let expiresAt = try claims.date("exp") else { throw .refused(.claims) }
        guard now < expiresAt else { throw .refused(.expired) }
        let latestStart = now.advanced(by: leeway)
        let issuedAt = try claims.date("iat")
        for start in [try claims.date("nbf"), issuedAt] {
            if let start, start > latestStart { throw .refused(.notYetValid) }
        }
        guard let subject = try claims.text("sub"), !subject.isEmpty else { throw .refused(.claims) }
        let userID = issuer.isOwn ? ObjectID(subject) : nil
        guard (userID != nil) == issuer.isOwn else { throw .refused(.claims) }
        self.init(
            issuer: issuer.name,
            subject: subject,
            email: try claims.email(issuer.emailClaim),
            tokenID: try claims.text("jti"),
            issuedAt: issuedAt,
            expiresAt: expiresAt,
            sessionUserID: userID
        )
    }
}

extension JSONObject {
    fileprivate func text(_ name: String) throws(Failure) -> String? {
        guard let value = self[name] else { return nil }
        guard let text = value.string else { throw .refused(.claims) }
        return text
    }

    /// Seconds since 1970, which may have a fraction (RFC 7519, section 2), up to the end of the year 9999.
    fileprivate func date(_ name: String) throws(Failure) -> Timestamp? {
        guard let value = self[name] else { return nil }
        guard let seconds = value.number?.double, (0..<253_402_300_800).contains(seconds) else {
            throw .refused(.claims)
        }
        return Timestamp(microseconds: Int64(seconds * 1_000_000))
    }

    /// `aud` is one text or an array of them (RFC 7519, 4.1.3).
    fileprivate func audience(contains wanted: String) -> Bool {
        switch self["aud"] {
        case .string(let only): only.utf8.elementsEqual(wanted.utf8)
        case .array(let several): several.contains(.string(wanted))
        default: false
        }
    }

    /// The address, unless the issuer says that it has not been verified.
    ///
    /// The user may have typed in anybody's then (OpenID Connect Core 1.0, section 5.1). Some issuers write the boolean
    /// as a text.
    fileprivate func email(_ claim: String) throws(Failure) -> String? {
        guard let email = try text(claim), !email.isEmpty else { return nil }
        switch self["email_verified"] {
        case nil, .bool(true), .string("true"): return email
        default: return nil
        }
    }
}
