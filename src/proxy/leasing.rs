//! How a client's server comes and goes.

use std::time::Duration;

use super::relay::{Relay, Rest};
use super::server::ServerCheckout;
use crate::session::{LeaseEnd, PoolMode, Want};

impl Relay {
    /// Takes the server away. What it had still to say is gone; the rest of a message that was on
    /// its way to it is dropped.
    pub(super) fn sever(&mut self) -> Option<ServerCheckout> {
        if self.from_client.rest() > 0 {
            self.rest = Rest::Discard;
        }
        self.held = false;
        let mut server = self.link.take()?;
        server.abandon();
        Some(server)
    }

    /// Gives the server back at the end of the session.
    pub(super) fn let_go(&mut self) {
        let end = self.session.lease_end(true);
        let Some(mut server) = self.link.take() else {
            return;
        };
        let reusable = end == LeaseEnd::Release && self.session.mode() == PoolMode::Transaction;
        if reusable
            && !server.state.awaits_cancel()
            && server.is_quiet()
            && self.from_client.rest() == 0
        {
            server.release();
            return;
        }
        if !self.session.is_quiet() || self.from_client.rest() > 0 {
            server.abandon();
        }
        server.discard("its session ended");
    }

    pub(super) fn give_back(&mut self, discard: Option<&'static str>) {
        let Some(mut server) = self.link.take() else {
            return;
        };
        if server.state.is_touched_by(self.session.id()) {
            self.sequences = Some(server.id());
        }
        self.session.leave(&mut server.state);
        self.session.detach();
        self.publish();
        let stale = server.state.awaits_cancel().then_some("canceled");
        match discard.or(stale) {
            None => {
                server.io.rest();
                std::mem::swap(&mut self.scratch, &mut server.scratch);
                server.release();
            }
            Some(why) => server.discard(why),
        }
    }

    /// A server that nobody uses and that will do, if there is one.
    pub(super) fn take_server(&mut self, want: Want) -> bool {
        match want {
            Want::Sequences => false,
            Want::Any => match self.pool.pool.try_checkout() {
                Some(server) => {
                    self.pool.metrics.waited(Duration::ZERO);
                    self.attach(server);
                    true
                }
                None => false,
            },
        }
    }
}
