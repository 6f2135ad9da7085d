import Testing
import WitanCore
import WitanTelemetry

struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    @Test(
        "A valid traceparent is read whole",
        arguments: [
            ("00-\(trace)-\(span)-01", true),
            ("00-\(trace)-\(span)-00", false),
            ("00-\(trace)-\(span)-03", true),
            ("00-\(trace)-\(span)-fe", false),
            ("01-\(trace)-\(span)-01", true),
            ("cc-\(trace)-\(span)-01-what the future brings", true),
            ("fe-\(trace)-\(span)-00-", false),
        ]
    )
    func valid(header: String, sampled: Bool) throws {
        let context = try #require(TraceContext.parse(traceparent: header))
        #expect(context.traceIDText == Self.trace)
        #expect(context.spanIDText == Self.span)
        #expect(context.sampled == sampled)
        #expect(context.traceparent == "00-\(Self.trace)-\(Self.span)-\(sampled ? "01" : "00")")
    }

    @Test(
        "Anything else begins a new trace",
        arguments: [
            "",
            "00",
            "00-\(trace)-\(span)",
            "00-\(trace)-\(span)-",
            "00-\(trace)-\(span)-1",
            "00-\(trace)-\(span)-01-",
            "00-\(trace)-\(span)-01-more",
            "00-\(trace)-\(span)-01 ",
            " 00-\(trace)-\(span)-01",
            "01-\(trace)-\(span)-01.more",
            "ff-\(trace)-\(span)-01",
            "FE-\(trace)-\(span)-01",
            "0-\(trace)-\(span)-01",
            "00-\(trace.uppercased())-\(span)-01",
            "00-\(trace)-\(span.uppercased())-01",
            "00-\(trace)-\(span)-0A",
            "00-\(trace)-\(span)-0g",
            "00-00000000000000000000000000000000-\(span)-01",
            "00-\(trace)-0000000000000000-01",
            "00-\(trace.dropLast())-\(span)-01",
            "00-\(trace)0-\(span)-01",
            "00_\(trace)_\(span)_01",
            "00-\(trace.dropLast(2))ä-\(span)-01",
        ]
    )
    func invalid(header: String) {
        #expect(TraceContext.parse(traceparent: header, tracestate: "a=1") == nil)
    }

    @Test(
        "A valid tracestate goes on unchanged",
        arguments: [
            "rojo=00f067aa0ba902b7",
            "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
            "rojo=1 , congo=2\t,\t",
            "rojo=1,,congo=2",
            "fw529a3039@dt=FfUdVFhnbjgAAAAa;1",
            "a_-*/1= !\"#<>~",
            String(repeating: "k", count: 256) + "=" + String(repeating: "v", count: 255),
            (1...32).map { "k\($0)=v" }.joined(separator: ","),
        ]
    )
    func goodState(state: String) {
        let parent = "00-\(Self.trace)-\(Self.span)-01"
        var random = RandomSource.seeded(1)
        let context = TraceContext.parse(traceparent: parent, tracestate: state)
        #expect(context?.tracestate == state)
        #expect(context?.child(using: &random).tracestate == state)
    }

    @Test(
        "An invalid tracestate is left out and spoils nothing else",
        arguments: [
            "", " ", ",", "a", "a=", "=1", "A=1", "1a=1", "a=1,a=2", "a =1", "a=1=2", "a=ü", "a=\u{7F}", "a=1\n",
            "@a=1", "a@=1", "a@b@c=1", "a@1=1", String(repeating: "t", count: 242) + "@v=1", "t@abcdefghijklmno=1",
            String(repeating: "k", count: 257) + "=1",
            (1...33).map { "k\($0)=v" }.joined(separator: ","),
            (1...3).map { "k\($0)=" + String(repeating: "v", count: 200) }.joined(separator: ","),
        ]
    )
    func badState(state: String) throws {
        let parent = "00-\(Self.trace)-\(Self.span)-01"
        let context = try #require(TraceContext.parse(traceparent: parent, tracestate: state))
        #expect(context.tracestate == nil)
        #expect(context.traceparent == parent)
    }

    @Test("What is generated is valid, even from a generator of zeros")
    func generate() throws {
        struct Zeros: RandomNumberGenerator {
            mutating func next() -> UInt64 { 0 }
        }
        var zeros = Zeros()
        var seeded = RandomSource.seeded(7)
        for context in [TraceContext.generate(using: &zeros), TraceContext.generate(using: &seeded)] {
            #expect(TraceContext.parse(traceparent: context.traceparent) == context)
            #expect(!context.sampled)
        }
    }

    @Test("A child stays in its trace and has a span of its own")
    func child() throws {
        var random = RandomSource.seeded(3)
        let parent = try #require(TraceContext.parse(traceparent: "00-\(Self.trace)-\(Self.span)-01"))
        let child = parent.child(using: &random)
        #expect(child.traceIDText == parent.traceIDText)
        #expect(child.spanID != parent.spanID)
        #expect(child.sampled)
    }
}

struct TraceIDGeneratorTests {
    @Test("Threads never draw the same ids")
    func distinct() async {
        let generator = TraceIDGenerator(seededFrom: .system)
        let ids = await withTaskGroup(of: [String].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var generator = generator
                    return (0..<2_000).map { _ in TraceContext.generate(using: &generator).traceIDText }
                }
            }
            return await group.reduce(into: Set<String>()) { $0.formUnion($1) }
        }
        #expect(ids.count == 8_000)
    }

    @Test("The bits are SipHash-2-4 of 0, 1, 2 … as OpenSSL computes it under the same key")
    func vectors() {
        // RandomSource.seeded(5) gives the key; `openssl mac -macopt hexkey:… -macopt size:8 SIPHASH` gave these.
        let generator = TraceIDGenerator(seededFrom: .seeded(5))
        #expect(generator.next() == 0x975A_51A8_E7B6_67B0)
        #expect(generator.next() == 0xAE96_F4F7_6C92_1082)
        #expect(generator.next() == 0x39A7_74C0_05E2_5B38)
    }
}
