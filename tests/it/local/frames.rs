//! Messages of a client, in a row.

use bytes::{BufMut as _, BytesMut};
use dsql_proxy::wire::encode;

/// Messages that are sent at once. The names of statements and portals are those of the client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frames(pub(crate) BytesMut);

impl Frames {
    pub(crate) fn query(sql: &str) -> Self {
        let mut frames = Self::default();
        encode::query(sql.as_bytes(), &mut frames.0);
        frames
    }

    /// Parse, Bind, Describe and Execute, all without a name, and without a Sync.
    pub(crate) fn run(self, sql: &str) -> Self {
        self.parse("", sql)
            .bind("", "")
            .describe('P', "")
            .execute("", 0)
    }

    pub(crate) fn parse(self, name: &str, sql: &str) -> Self {
        self.frame(b'P', |body| {
            encode::cstr(name.as_bytes(), body);
            encode::cstr(sql.as_bytes(), body);
            body.put_u16(0);
        })
    }

    pub(crate) fn bind(self, portal: &str, statement: &str) -> Self {
        self.bind_to(portal, statement, &[])
    }

    /// With parameters as text.
    pub(crate) fn bind_to(self, portal: &str, statement: &str, parameters: &[&str]) -> Self {
        self.frame(b'B', |body| {
            encode::cstr(portal.as_bytes(), body);
            encode::cstr(statement.as_bytes(), body);
            body.put_u16(0);
            body.put_u16(u16::try_from(parameters.len()).unwrap());
            for parameter in parameters {
                body.put_u32(u32::try_from(parameter.len()).unwrap());
                body.extend_from_slice(parameter.as_bytes());
            }
            body.put_u16(0);
        })
    }

    /// Of a statement, `S`, or a portal, `P`.
    pub(crate) fn describe(self, kind: char, name: &str) -> Self {
        self.named(b'D', kind, name)
    }

    pub(crate) fn close(self, kind: char, name: &str) -> Self {
        self.named(b'C', kind, name)
    }

    pub(crate) fn execute(self, portal: &str, rows: i32) -> Self {
        self.frame(b'E', |body| {
            encode::cstr(portal.as_bytes(), body);
            body.put_i32(rows);
        })
    }

    pub(crate) fn flush(self) -> Self {
        self.frame(b'H', |_| {})
    }

    pub(crate) fn sync(self) -> Self {
        self.frame(b'S', |_| {})
    }

    pub(crate) fn copy_data(self, data: &str) -> Self {
        self.frame(b'd', |body| body.extend_from_slice(data.as_bytes()))
    }

    pub(crate) fn copy_done(self) -> Self {
        self.frame(b'c', |_| {})
    }

    pub(crate) fn copy_fail(self, why: &str) -> Self {
        self.frame(b'f', |body| encode::cstr(why.as_bytes(), body))
    }

    /// And then others.
    pub(crate) fn then(mut self, others: &Self) -> Self {
        self.0.extend_from_slice(&others.0);
        self
    }

    fn named(self, tag: u8, kind: char, name: &str) -> Self {
        self.frame(tag, |body| {
            body.put_u8(u8::try_from(kind).unwrap());
            encode::cstr(name.as_bytes(), body);
        })
    }

    pub(crate) fn frame(mut self, tag: u8, body: impl FnOnce(&mut BytesMut)) -> Self {
        encode::frame(tag, &mut self.0, body);
        self
    }
}
