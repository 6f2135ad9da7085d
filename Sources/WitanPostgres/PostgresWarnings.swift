import CLibPQ

/// Counts the warnings of a connection, and keeps libpq from printing those and all other notices.
final class PostgresWarnings {
    /// How many there were.
    private(set) var count = 0

    /// Counts those of a connection from now on, which must not outlive this.
    func count(of handle: OpaquePointer) {
        PQsetNoticeReceiver(
            handle,
            { context, notice in
                guard let context, let notice, let state = PQresultErrorField(notice, witan_diagnostic_sqlstate),
                    String(cString: state) == "01000"
                else { return }
                Unmanaged<PostgresWarnings>.fromOpaque(context).takeUnretainedValue().count += 1
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }
}
