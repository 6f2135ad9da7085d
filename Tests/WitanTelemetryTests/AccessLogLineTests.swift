import Foundation
import Testing
import WitanCore
import WitanTelemetry

struct AccessLogLineTests {
    private static let full: AccessLogLine = {
        var random = RandomSource.seeded(1)
        return AccessLogLine(
            time: TimeSource.fixed.now(),
            method: "GET",
            path: "/v1/api_key/0193",
            status: 403,
            nanoseconds: 1_234_567,
            trace: .generate(using: &random),
            clientAddress: "2001:db8::1",
            route: "/v1/api_key/{id}",
            bytesIn: 17,
            bytesOut: 230,
            caller: AccessLogLine.Caller(
                id: ObjectID(high: 1, low: 2),
                kind: "user",
                organizationID: ObjectID(high: 3, low: 4)
            ),
            userAgent: "curl/8 (x)",
            failureCode: .forbidden
        )
    }()

    private func written(_ line: AccessLogLine, _ format: LogFormat) throws -> String {
        let pipe = try LogPipe()
        let output = LogOutput(format, to: pipe)
        output.append(line)
        output.flush()
        let lines = try pipe.lines()
        #expect(lines.count == 1)
        return try #require(lines.first)
    }

    @Test("For machines every field is a member")
    func json() throws {
        #expect(
            try written(Self.full, .json) == """
                {"time":"2025-11-12T02:58:27.365Z","level":"info","label":"witan.access","message":"request",\
                "method":"GET","path":"/v1/api_key/0193","status":403,"duration_ms":1.234,"route":"/v1/api_key/{id}",\
                "bytes_in":17,"bytes_out":230,"trace_id":"\(Self.full.trace.traceIDText)",\
                "caller_id":"00000000-0000-0001-0000-000000000002","caller_kind":"user",\
                "organization_id":"00000000-0000-0003-0000-000000000004","client":"2001:db8::1",\
                "user_agent":"curl/8 (x)","failure":"forbidden"}
                """
        )
    }

    @Test("For people the request is the message")
    func human() throws {
        #expect(
            try written(Self.full, .human) == """
                02:58:27.365 INFO  GET /v1/api_key/0193 403 1.234 ms  route=/v1/api_key/{id} bytes_in=17 bytes_out=230 \
                trace_id=\(Self.full.trace.traceIDText) caller_id=00000000-0000-0001-0000-000000000002 \
                caller_kind=user organization_id=00000000-0000-0003-0000-000000000004 client=2001:db8::1 \
                user_agent="curl/8 (x)" failure=forbidden
                """
        )
    }

    @Test("What is not known is left out")
    func sparse() throws {
        var line = Self.full
        line.route = nil
        line.caller = nil
        line.userAgent = nil
        line.failureCode = nil
        #expect(
            try written(line, .human) == """
                02:58:27.365 INFO  GET /v1/api_key/0193 403 1.234 ms  bytes_in=17 bytes_out=230 \
                trace_id=\(line.trace.traceIDText) client=2001:db8::1
                """
        )
    }

    @Test(
        "Durations have three decimals",
        arguments: [
            (0, "0.000"), (999, "0.000"), (1_000, "0.001"), (10_000, "0.010"), (100_000, "0.100"),
            (12_345_678, "12.345"),
            (3_600_000_000_000, "3600000.000"), (-1, "0.000"),
        ]
    )
    func durations(nanoseconds: Int64, text: String) throws {
        var line = Self.full
        line.nanoseconds = nanoseconds
        #expect(try written(line, .json).contains(#""duration_ms":\#(text),"#))
    }

    @Test("A client can neither forge a line nor put a credential into one", arguments: LogFormat.allCases)
    func hostile(format: LogFormat) throws {
        let attack = "x\r\n02:58:27.365 INFO \u{0}\"},{\"sk-secret\u{1B}[1A"
        var line = Self.full
        line.method = attack
        line.path = attack
        line.userAgent = attack
        line.clientAddress = attack
        let text = try written(line, format)
        #expect(!text.contains("sk-secret"))
        #expect(text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        guard format == .json else { return }
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        for name in ["method", "path", "user_agent", "client"] {
            #expect(object[name] as? String == attack.replacing("sk-secret", with: "sk-****"))
        }
        #expect(object["status"] as? Int == 403)
    }
}
