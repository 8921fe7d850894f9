//! A scenario's server, and the program's configuration for it.

use std::collections::BTreeMap;

use exchange_simulator::{Launch, World, fault::Rule};
use serde_json::{Value, json};

use super::scenario::{Api, Calls, Expect, Login, Moment, Program, Scenario};
use crate::common::{
    Server, Setup,
    bodies::Bodies,
    patience::{MINUTE, until},
    server,
    truth::Form,
    ways::{CLIENT, SECRET, TENANT, app},
};

/// A server and a configured program.
pub struct Stage {
    pub server: Server,
    pub setup: Setup,
    /// Strikes of rules that are no longer in force.
    past: u64,
}

impl Stage {
    /// Builds the world, which has the usual accounts, application and two mailboxes of 50 messages where it names none of its own.
    pub async fn open(scenario: &mut Scenario) -> Self {
        let mut world = std::mem::take(&mut scenario.world);
        populate(&mut world);
        let mut launch = Launch::from(world);
        let bodies = (scenario.program.api == Api::Graph).then(Bodies::new);
        launch.options.record = bodies.as_ref().map(|bodies| bodies.path().to_owned());
        let server = Server::start(launch).await;
        let mut setup = Setup::new(&server);
        setup.bodies = bodies;
        configure(&mut setup, &server, &scenario.program);
        Self { server, setup, past: 0 }
    }

    /// How often faults have struck so far, those included that are over.
    pub fn struck(&self) -> u64 {
        self.past + self.server.struck()
    }

    /// A rule that has not struck is a scenario in which nothing happened.
    pub fn idle_rules(&self) -> Vec<String> {
        let rules = self.server.simulator.state().faults.list();
        rules.into_iter().filter(|(_, _, struck)| *struck == 0).map(|(_, rule, _)| describe(&rule)).collect()
    }

    /// Makes calls of the admin API; tells of rules that are taken back before they ever struck.
    pub async fn tell(&mut self, calls: &Calls) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, body) in calls {
            if name == "fault" && body.get("add").is_none() {
                faults.extend(self.idle_rules().into_iter().map(|rule| format!("taken back before it struck: {rule}")));
                let before = self.server.struck();
                self.server.admin("/fault", body.clone()).await;
                self.past += before - self.server.struck();
            } else {
                self.server.admin(&format!("/{name}"), body.clone()).await;
            }
        }
        faults
    }

    /// The counters that a moment speaks of, now.
    pub async fn reading(&self, moment: &Moment) -> BTreeMap<String, u64> {
        let mut values = BTreeMap::new();
        for name in moment.keys() {
            let value = if name == "struck" { self.struck() } else { self.server.counter(name).await };
            values.insert(name.clone(), value);
        }
        values
    }

    /// Waits for a moment, counted from an earlier reading.
    pub async fn wait_for(&self, moment: &Moment, from: &BTreeMap<String, u64>) {
        until(MINUTE, &format!("{moment:?}"), async || {
            let now = self.reading(moment).await;
            moment.iter().all(|(name, value)| now[name] >= from[name] + value)
        })
        .await;
    }

    /// What the program is configured for, without mailboxes that cannot be read.
    pub fn without_unreachable(&mut self, expect: &Expect) -> BTreeMap<String, Value> {
        let mailboxes = self.setup.config["mailboxes"].as_object_mut().unwrap();
        let taken = expect.out_of_reach.iter().filter_map(|address| mailboxes.remove(address).map(|entry| (address.clone(), entry)));
        taken.collect()
    }

    /// Configures them again.
    pub fn restore(&mut self, taken: BTreeMap<String, Value>) {
        self.setup.config["mailboxes"].as_object_mut().unwrap().extend(taken);
    }
}

fn populate(world: &mut World) {
    if world.seed == 0 {
        world.seed = 7;
    }
    if world.accounts.is_empty() {
        world.accounts = server::accounts();
    }
    if world.apps.is_empty() {
        world.apps = vec![app()];
    }
    if world.mailboxes.is_empty() {
        world.mailboxes = ["a@example.com", "b@example.com"].map(|address| server::mailbox(address, 40)).to_vec();
    }
}

fn configure(setup: &mut Setup, server: &Server, program: &Program) {
    match (program.api, program.login) {
        (Api::Graph, _) => {
            setup.by_graph(server);
            if server.simulator.state().quirks.all().contains(&"immutable-ids-not-honoured") {
                setup.form = Form::GraphRest;
            }
        }
        (Api::Ews, Login::Ntlm) => {}
        (Api::Ews, Login::Basic) => setup.set(json!({"auth_type": "basic"})),
        (Api::Ews, Login::OAuth2) => {
            setup.config.as_object_mut().unwrap().retain(|key, _| !["auth_user", "auth_password"].contains(&key.as_str()));
            let authority = format!("{}/{TENANT}/", server.simulator.url());
            setup.set(json!({
                "auth_type": "oauth2", "auth_oauth_authority": authority, "auth_oauth_client_id": CLIENT, "auth_oauth_client_secret": SECRET,
            }));
        }
    }
    setup.set(Value::Object(program.settings.clone()));
    for (address, settings) in &program.mailboxes {
        if setup.config["mailboxes"].get(address).is_none() {
            setup.config["mailboxes"][address] = json!({"bucket": {"owner": "acme", "name": "mail"}});
        }
        setup.set_mailbox(address, Value::Object(settings.clone()));
    }
    setup.args.clone_from(&program.args);
}

fn describe(rule: &Rule) -> String {
    serde_json::to_string(rule).unwrap_or_default()
}
