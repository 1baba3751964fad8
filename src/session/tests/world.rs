//! Several sessions that share servers, and the same clients with servers of their own.

use std::collections::VecDeque;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};

use super::model::{Server, Table};
use super::notation::{show_sent, show_told, take};
use super::talk::parameters;
use crate::compat::{AdvisoryLocks, Ddl, Policy, Unsupported};
use crate::session::SequencePins;
use crate::session::settings::Settings;
use crate::session::{
    AfterLoss, Flow, Frame, LeaseEnd, Outputs, Parameters, PoolMode, Profile, Registry, Relayed,
    ServerState, Session, SessionId, SessionOptions,
};
use crate::wire::frame::HEADER;

/// Messages of a client, in one buffer.
pub(super) type Script = BytesMut;

/// What a client brings.
pub(super) type Brought = [(&'static str, &'static str)];

/// One client.
pub(super) struct Client {
    session: Session,
    script: Script,
    /// What it has received.
    pub(super) told: BytesMut,
    server: Option<usize>,
    /// It waits for an answer, or for a server.
    held: bool,
    wants: bool,
    /// It has been told that the session is over.
    pub(super) ended: bool,
}

struct Slot {
    model: Server,
    state: ServerState,
    owner: Option<usize>,
}

/// Clients and servers.
pub(super) struct World {
    pub(super) clients: Vec<Client>,
    slots: Vec<Slot>,
    table: Table,
    eager: bool,
    max_prepared: usize,
    waiting: VecDeque<usize>,
    /// After so many actions the server of some session breaks.
    pub(super) cuts: Vec<usize>,
}

/// One thing that can happen next.
#[derive(Clone, Copy)]
enum Action {
    Client(usize),
    Serve(usize),
    Deliver(usize),
}

/// What a client with a server of its own is told.
pub(super) fn private(script: &Script, brought: &Brought, table: &Table) -> BytesMut {
    let mut server = Server::new(table, brought, true);
    server.input.extend_from_slice(script);
    while server.step() {}
    server.output
}

impl Client {
    /// Why it has not come to its end, if so.
    fn stuck(&self) -> Option<String> {
        let done = self.ended
            || self.script.is_empty() && self.session.is_quiet() && self.server.is_none();
        (!done).then(|| {
            format!(
                "it received {}, has to send {}, has server {:?}, is held: {}, waits: {}\n{:?}\n{:?}\n",
                show_told(self.told.clone(), &mut Vec::new()),
                show_sent(self.script.clone()),
                self.server,
                self.held,
                self.wants,
                self.session.pipeline,
                self.session.phase,
            )
        })
    }
}

fn reported(server: &Server) -> Parameters {
    let values: Vec<_> = server
        .reported()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    parameters(&values)
}

impl World {
    pub(super) fn new(
        scripts: Vec<(Script, &Brought)>,
        mode: PoolMode,
        servers: usize,
        eager: bool,
        max_prepared: usize,
        table: &Table,
    ) -> Self {
        let options = Rc::new(SessionOptions {
            policy: Rc::new(Policy {
                unsupported: Unsupported::Forward,
                ddl: Ddl::Pass,
                advisory_locks: AdvisoryLocks::Forward,
                ..Policy::default()
            }),
            mode,
            registry: Registry::default(),
            retry_buffer: 64 * 1024,
            attempts: 3,
            sequences: SequencePins::new(20),
        });
        let clients = scripts.into_iter().enumerate();
        let clients = clients.map(|(id, (script, brought))| {
            let profile = Profile {
                settings: Rc::new(parameters(brought).into_iter().collect::<Settings>()),
                told: Rc::new(reported(&Server::new(table, brought, true))),
            };
            Client {
                session: Session::new(SessionId(id as u64), Rc::clone(&options), profile),
                script,
                told: BytesMut::new(),
                server: None,
                held: false,
                wants: false,
                ended: false,
            }
        });
        let mut world = Self {
            clients: clients.collect(),
            slots: Vec::new(),
            table: Rc::clone(table),
            eager,
            max_prepared,
            waiting: VecDeque::new(),
            cuts: Vec::new(),
        };
        for _ in 0..servers {
            let slot = world.fresh();
            world.slots.push(slot);
        }
        world
    }

    fn fresh(&self) -> Slot {
        let model = Server::new(&self.table, &[], self.eager);
        let state = ServerState::new(reported(&model), self.max_prepared);
        Slot {
            model,
            state,
            owner: None,
        }
    }

    fn actions(&self) -> Vec<Action> {
        let clients = self.clients.iter().enumerate();
        let clients = clients
            .filter(|(_, client)| !client.script.is_empty() && !client.held && !client.wants);
        let mut actions: Vec<_> = clients.map(|(i, _)| Action::Client(i)).collect();
        for (j, slot) in self.slots.iter().enumerate() {
            if slot.model.input.len() >= HEADER {
                actions.push(Action::Serve(j));
            }
            if !slot.model.output.is_empty() {
                actions.push(Action::Deliver(j));
            }
        }
        actions
    }

    /// Lets everything happen, in an order that the numbers choose.
    pub(super) fn run(&mut self, order: &[u8]) {
        let mut order = order.iter().cycle();
        for step in 0.. {
            if self.cuts.contains(&step)
                && let Some(i) = self
                    .clients
                    .iter()
                    .position(|client| client.server.is_some())
            {
                self.cut(i);
                self.hand_out();
            }
            let actions = self.actions();
            if actions.is_empty() {
                break;
            }
            let choice = usize::from(*order.next().unwrap_or(&0)) % actions.len();
            match actions[choice] {
                Action::Client(i) => self.client(i),
                Action::Serve(j) => drop(self.slots[j].model.step()),
                Action::Deliver(j) => self.deliver(j),
            }
            self.hand_out();
        }
        let stuck: String = self.clients.iter().filter_map(Client::stuck).collect();
        assert!(stuck.is_empty(), "{stuck}");
    }

    fn client(&mut self, i: usize) {
        let client = &mut self.clients[i];
        let mut script = client.script.clone();
        let (tag, body): (u8, Bytes) = take(&mut script).unwrap();
        let raw = client.script.split_to(HEADER + body.len());
        let frame = Frame {
            tag,
            raw: &raw,
            body: &body,
            length: body.len(),
        };
        let mut injected = BytesMut::new();
        let mut slot = client.server.map(|j| &mut self.slots[j]);
        let mut out = Outputs {
            server: &mut injected,
            client: &mut client.told,
        };
        let state = slot.as_mut().map(|slot| &mut slot.state);
        let flow = client.session.frontend(frame, state, &mut out).unwrap();
        if let Some(slot) = slot {
            slot.model.input.extend_from_slice(&injected);
            match flow {
                Flow::Forward => slot.model.input.extend_from_slice(&raw),
                Flow::Replace(front) => slot.model.input.extend_from_slice(&raw[front..]),
                _ => {}
            }
        } else {
            assert!(injected.is_empty());
        }
        if matches!(flow, Flow::Hold | Flow::NeedServer(_)) {
            let mut again = raw;
            again.unsplit(std::mem::take(&mut client.script));
            client.script = again;
        }
        match flow {
            Flow::Hold => client.held = true,
            Flow::NeedServer(_) => {
                client.wants = true;
                self.waiting.push_back(i);
                if self.clients[i].server.is_some() {
                    self.give_back(i, None);
                }
            }
            Flow::Forward | Flow::Replace(_) | Flow::Discard => {}
            Flow::Adapt => panic!("nothing is adapted here"),
            Flow::Terminate => panic!("nobody says goodbye"),
        }
        self.settle(i);
    }

    fn deliver(&mut self, j: usize) {
        let slot = &mut self.slots[j];
        let i = slot.owner.expect("an idle server speaks");
        let length = {
            let mut copy = slot.model.output.clone();
            HEADER + take(&mut copy).unwrap().1.len()
        };
        let raw = slot.model.output.split_to(length);
        let frame = Frame {
            tag: raw[0],
            raw: &raw,
            body: &raw[HEADER..],
            length: length - HEADER,
        };
        let client = &mut self.clients[i];
        let mut injected = BytesMut::new();
        let mut out = Outputs {
            server: &mut injected,
            client: &mut client.told,
        };
        let relayed = if client.session.passes(raw[0]) {
            Relayed::Forward
        } else {
            client.session.backend(frame, &mut slot.state, &mut out)
        };
        if relayed == Relayed::Forward {
            client.told.extend_from_slice(&raw);
        }
        slot.model.input.extend_from_slice(&injected);
        client.held = false;
        self.settle(i);
    }

    /// The server of this session breaks.
    fn cut(&mut self, i: usize) {
        let client = &mut self.clients[i];
        let j = client.server.take().unwrap();
        client.held = false;
        if let AfterLoss::Ends(error) = client.session.lost("gone", &mut client.told) {
            error.encode(&mut client.told);
            client.script.clear();
            client.ended = true;
        }
        self.slots[j] = self.fresh();
    }

    fn settle(&mut self, i: usize) {
        let client = &self.clients[i];
        if client.server.is_none() {
            return;
        }
        match client.session.lease_end(false) {
            // The client says goodbye.
            LeaseEnd::Keep if client.script.is_empty() && client.session.is_quiet() => {
                self.give_back(i, Some("its session ended"));
            }
            LeaseEnd::Keep => {}
            LeaseEnd::Release => self.give_back(i, None),
            LeaseEnd::Discard(why) => self.give_back(i, Some(why)),
        }
    }

    fn give_back(&mut self, i: usize, discard: Option<&str>) {
        let client = &mut self.clients[i];
        let j = client.server.take().unwrap();
        client.session.detach();
        client.held = false;
        if discard.is_some() {
            self.slots[j] = self.fresh();
            return;
        }
        let slot = &mut self.slots[j];
        slot.owner = None;
        // Data of a copy that has failed may still be on its way: nobody answers it.
        while slot.model.step() {}
        assert!(
            slot.model.is_at_rest(),
            "client {i} gave its server back, and it has still to say {}",
            show_told(slot.model.output.clone(), &mut Vec::new()),
        );
    }

    fn hand_out(&mut self) {
        while let Some(&i) = self.waiting.front() {
            let Some(j) = self.slots.iter().position(|slot| slot.owner.is_none()) else {
                return;
            };
            self.waiting.pop_front();
            let slot = &mut self.slots[j];
            slot.owner = Some(i);
            let client = &mut self.clients[i];
            client
                .session
                .attach(&mut slot.state, &mut slot.model.input);
            (client.server, client.wants) = (Some(j), false);
        }
    }
}
