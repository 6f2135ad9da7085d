internal import WitanJSON

/// The endpoints that no resource makes: sign-in, the caller, and the server itself.
package enum SystemEndpoints {
    /// `POST /api/apikey/login`, the first call of every official client.
    package static let login = Endpoint(
        method: .post,
        path: "/api/apikey/login",
        operationID: "postApiKeyLogin",
        tag: "Sign-in",
        summary: "Log in",
        description: "List the organizations that the credential can act in, with the addresses to use for each.",
        answer: .json(
            object([
                ("org_info", ["type": "array", "items": organizationInfo])
            ]),
            summary: "The caller's organizations"
        )
    )

    /// `POST /api/self/me`, who the caller is.
    package static let me = Endpoint(
        method: .post,
        path: "/api/self/me",
        operationID: "postSelfMe",
        tag: "Sign-in",
        summary: "Get the caller",
        description: "Say who the credential acts for and in which organizations.",
        answer: .json(
            object([
                ("id", uuid), ("email", nullableText), ("given_name", nullableText), ("family_name", nullableText),
                ("avatar_url", nullableText), ("created", ["type": ["string", "null"], "format": "date-time"]),
                ("organizations", ["type": "array", "items": object([("id", uuid), ("name", text)])]),
            ]),
            summary: "The caller"
        )
    )

    /// `GET /ping`, which answers with the caller, or with an empty object for nobody.
    package static let ping = Endpoint(
        method: .get,
        path: "/ping",
        operationID: "getPing",
        tag: "Server",
        summary: "Ping",
        description:
            "Answer when the server runs: with the caller when there is a credential, else with an empty object.",
        isPublic: true,
        answer: .json(["type": "object"], summary: "The caller, or an empty object")
    )

    /// `GET /version`, which clients read limits from.
    package static let version = Endpoint(
        method: .get,
        path: "/version",
        operationID: "getVersion",
        tag: "Server",
        summary: "Version",
        description: "Say which version runs.",
        isPublic: true,
        answer: .json(object([("version", text)]), summary: "The version")
    )

    /// `GET /v1`, the published greeting.
    package static let index = Endpoint(
        method: .get,
        path: "/v1",
        operationID: "getIndex",
        tag: "Server",
        summary: "Greet",
        description: "Answer with a greeting.",
        isPublic: true,
        answer: .text("text/plain", summary: "A greeting")
    )

    /// `GET /`, where connection tests go.
    package static let root = Endpoint(
        method: .get,
        path: "/",
        operationID: "getRoot",
        tag: "Server",
        summary: "Introduce the server",
        description: "Say what this server is and where its documents are.",
        isPublic: true,
        answer: .text("text/plain", summary: "An introduction")
    )

    /// `GET /openapi.json`.
    package static let documentJSON = Endpoint(
        method: .get,
        path: "/openapi.json",
        operationID: "getOpenApiJson",
        tag: "Documents",
        summary: "Get the API document",
        description: "This document, as JSON.",
        isPublic: true,
        answer: .json(["type": "object"], summary: "The API document")
    )

    /// `GET /openapi.yaml`.
    package static let documentYAML = Endpoint(
        method: .get,
        path: "/openapi.yaml",
        operationID: "getOpenApiYaml",
        tag: "Documents",
        summary: "Get the API document as YAML",
        description: "This document, as YAML.",
        isPublic: true,
        answer: .text("application/yaml", summary: "The API document")
    )

    /// `GET /docs/llms.txt`.
    package static let documentationIndex = Endpoint(
        method: .get,
        path: "/docs/llms.txt",
        operationID: "getDocsIndex",
        tag: "Documents",
        summary: "Get the index of the documentation",
        description: "A list of the documentation pages, for language models and for people.",
        isPublic: true,
        answer: .text("text/plain", summary: "The index")
    )

    /// `GET /docs/api-reference/{tag}/{operation}.md`.
    package static let documentationPage = Endpoint(
        method: .get,
        path: "/docs/api-reference/{tag}/{page}",
        operationID: "getDocsPage",
        tag: "Documents",
        summary: "Get a documentation page",
        description: "The page of one operation, in Markdown, with its part of the API document.",
        parameters: [
            Endpoint.Parameter("tag", in: .path, "The tag in lower case, such as `apikeys`", schema: text),
            Endpoint.Parameter("page", in: .path, "The page, such as `create-api_key.md`", schema: text),
        ],
        isPublic: true,
        answer: .text("text/markdown", summary: "The page")
    )

    /// `GET /healthz`: the process runs.
    package static let health = Endpoint(
        method: .get,
        path: "/healthz",
        operationID: "getHealth",
        tag: "Operations",
        summary: "Check that the process runs",
        description: "Answer whenever the process can answer at all.",
        isPublic: true,
        answer: .json(object([("status", text)]), summary: "It runs")
    )

    /// `GET /readyz`: the server can serve.
    package static let readiness = Endpoint(
        method: .get,
        path: "/readyz",
        operationID: "getReadiness",
        tag: "Operations",
        summary: "Check that the server can serve",
        description: "Answer 200 while the database answers and the server is not draining, else 503.",
        isPublic: true,
        answer: .json(object([("status", text)]), summary: "It can serve")
    )

    /// `GET /metrics`, in Prometheus's text format.
    package static let metrics = Endpoint(
        method: .get,
        path: "/metrics",
        operationID: "getMetrics",
        tag: "Operations",
        summary: "Get the metrics",
        description: "Counters, gauges and histograms in Prometheus's text format.",
        isPublic: true,
        answer: .text("text/plain", summary: "The metrics")
    )

    /// `GET /.well-known/jwks.json`, the keys of this server's own tokens.
    package static let keySet = Endpoint(
        method: .get,
        path: "/.well-known/jwks.json",
        operationID: "getJwks",
        tag: "Operations",
        summary: "Get the public keys",
        description: "The public keys that this server's own tokens are signed with (RFC 7517).",
        isPublic: true,
        answer: .json(object([("keys", ["type": "array", "items": ["type": "object"]])]), summary: "The key set")
    )

    /// All of them.
    package static let all = [
        login, me, ping, version, index, root, documentJSON, documentYAML, documentationIndex, documentationPage,
        health, readiness, metrics, keySet,
    ]

    private static let text = Schema.text
    private static let nullableText = Schema.nullableText
    private static let uuid = Schema.uuid
    private static let object = Schema.object

    private static let organizationInfo = object([
        ("id", uuid), ("name", text), ("api_url", text), ("git_metadata", ["type": ["object", "null"]]),
        ("is_universal_api", ["type": ["boolean", "null"]]), ("proxy_url", text), ("realtime_url", nullableText),
    ])
}
