import WitanCore
import WitanJSON

/// Speaks with an identity provider, and turns whatever goes wrong there into a `Failure`.
struct OpenIDConnectProvider: Sendable {
    /// What the provider is called in sentences.
    let name: String

    let fetch: OpenIDConnectClient.Fetch
    let limits: Limits

    /// The answer to a request, whatever its status below 500.
    ///
    /// Fails with `.unavailable` when none comes, the provider is out of order, or the answer is too long.
    func answer(to request: OpenIDConnectRequest) async throws(Failure) -> (status: Int, body: [UInt8]) {
        let answer: (status: Int, body: [UInt8])
        do {
            answer = try await fetch(request)
        } catch {
            throw unreachable(error)
        }
        guard answer.status < 500, answer.status != 429 else { throw unreachable(nil) }
        guard answer.body.count <= limits.identityProviderBytes else { throw refusal(.answer) }
        return answer
    }

    /// The JSON object in a body.
    func object(_ body: [UInt8]) throws(Failure) -> JSONObject {
        do {
            guard let object = try JSONParser.parse(body, maximumDepth: limits.jsonDepth).object else {
                throw refusal(.answer)
            }
            return object
        } catch let failure as Failure {
            throw failure
        } catch {
            throw refusal(.answer, cause: error)
        }
    }

    func refusal(_ reason: OpenIDConnectRefusal.Reason, cause: (any Error)? = nil) -> Failure {
        .signIn(reason, with: name, cause: cause)
    }

    func unreachable(_ cause: (any Error)?) -> Failure {
        .signIn(.unreachable, with: name, retryAfter: limits.identityProviderRetryInterval, cause: cause)
    }
}
