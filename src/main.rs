//! The program: reads its command line, does what it says, and ends with a code that tells how it went.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use exchange_sync::{
    cli::{
        self, Command, LogArgs, RunArgs,
        console::{Console, complain, settle},
        mask::shown,
        signals,
    },
    config::{self, Env, Lookout},
    demo,
    outcome::Outcome,
    run::{self, Restarts, Unready},
};
use futures::FutureExt;
use tokio::runtime::Runtime;

/// A single pass waits so long for whoever keeps its configuration; a continuous run waits without end.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let env = Env::of_process();
    match cli::parse(std::env::args_os(), &env) {
        Err(exit) => exit.report(),
        Ok(Command::Check(args)) => asked(&env, async || cli::check::run(&args, &env).await),
        Ok(Command::Config(command)) => asked(&env, async || cli::config::run(&command, &env).await),
        Ok(Command::Status(args)) => asked(&env, async || cli::status::run(&args).await),
        Ok(Command::Attach(args)) => {
            let console = Console::default();
            in_runtime(&quiet(), &env, &console, args.mask, async |shutdown| cli::attach::run(&args, &console, shutdown).await)
        }
        Ok(Command::Demo(args)) => {
            let console = Console::default();
            in_runtime(&quiet(), &env, &console, false, async |shutdown| demo::run(&args, &env, &console, shutdown).await)
        }
        Ok(Command::Run(args)) => copy(&args, &env),
        Ok(Command::Verify(args)) => {
            looking(&args.run, &env, async |config| run::verify(&args, config, &env, &mut std::io::stdout()).await)
        }
        Ok(Command::Quarantine(args)) => {
            looking(&args.run, &env, async |config| run::quarantine(&args, config, &env, &mut std::io::stdout()).await)
        }
    }
}

/// A verb that answers a question; an interrupt ends it.
fn asked(env: &Env, answer: impl AsyncFnOnce() -> ExitCode) -> ExitCode {
    in_runtime(&quiet(), env, &Console::default(), false, async |shutdown| {
        tokio::select! {
            code = answer() => code,
            () = shutdown => ExitCode::from(130),
        }
    })
}

/// `run`, begun anew where that was asked for.
fn copy(args: &RunArgs, env: &Env) -> ExitCode {
    let console = Console::default();
    in_runtime(&args.log, env, &console, args.mask, async |shutdown| {
        let shutdown = shutdown.shared();
        let mut restarts = Restarts::default();
        loop {
            let begun = Instant::now();
            let (code, login) = copy_once(args, env, &console, shutdown.clone()).await;
            if !args.restart || code == 0 || shutdown.peek().is_some() {
                return ExitCode::from(code);
            }
            let pause = restarts.pause(login, begun.elapsed());
            tracing::warn!(code, ?pause, "the service ended and begins anew after a pause");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.clone() => return ExitCode::from(code),
            }
        }
    })
}

/// Nothing is touched before the configuration is good. Gives the exit code, and whether it means that somebody refused us.
async fn copy_once(args: &RunArgs, env: &Env, console: &Console, mut shutdown: impl Future<Output = ()> + Unpin) -> (u8, bool) {
    let failed = |words: String, code| {
        complain(format_args!("error: {}", shown(&words, args.mask)));
        (code, false)
    };
    let shelf = match args.source.shelf(env) {
        Ok(shelf) => shelf,
        Err(fault) => return failed(config::Refused::from(config::Unread::from(fault)).to_string(), 2),
    };
    let loaded = tokio::select! {
        loaded = config::load(&*shelf, env, args.once.then_some(PATIENCE)) => loaded,
        // Of a continuous run that is the ordinary end.
        () = &mut shutdown => return (u8::from(args.once), false),
    };
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(refused) => return failed(refused.to_string(), refused.code),
    };
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let polls = !args.once && !args.config_poll.is_zero();
    let lookout = polls.then(|| Lookout::new(shelf, env.clone(), args.config_poll, &loaded));
    match run::run(args, loaded.config, lookout, env, console, shutdown).await {
        Ok(outcome) => (outcome.code(), outcome == Outcome::Refused),
        Err(unready) => failed(unready.to_string(), unready.code()),
    }
}

/// A verb that looks at a copy, and perhaps mends it, with the configuration that it is made by.
fn looking(args: &RunArgs, env: &Env, work: impl AsyncFnOnce(&config::Config) -> Result<Outcome, Unready>) -> ExitCode {
    in_runtime(&args.log, env, &Console::default(), args.mask, async |shutdown| {
        let failed = |words: String, code| {
            complain(format_args!("error: {}", shown(&words, args.mask)));
            ExitCode::from(code)
        };
        let answer = async {
            let shelf = match args.source.shelf(env) {
                Ok(shelf) => shelf,
                Err(fault) => return failed(config::Refused::from(config::Unread::from(fault)).to_string(), 2),
            };
            let loaded = match config::load(&*shelf, env, Some(PATIENCE)).await {
                Ok(loaded) => loaded,
                Err(refused) => return failed(refused.to_string(), refused.code),
            };
            // What is wrong with the configuration is said first.
            settle();
            match work(&loaded.config).await {
                Ok(outcome) => ExitCode::from(outcome.code()),
                Err(unready) => failed(unready.to_string(), unready.code()),
            }
        };
        tokio::select! {
            code = answer => code,
            () = shutdown => ExitCode::FAILURE,
        }
    })
}

/// Warnings only.
fn quiet() -> LogArgs {
    LogArgs { debug_level: 0, log_format: cli::LogFormat::Text, log_dir: None }
}

/// Starts logs and the runtime, and runs `work` with a future that is ready at the first SIGINT, SIGTERM or SIGHUP. The second ends the process at once,
/// which loses nothing: what is recorded is durable, and the rest is fetched again.
fn in_runtime<W>(log: &LogArgs, env: &Env, console: &Console, mask: bool, work: W) -> ExitCode
where
    W: AsyncFnOnce(std::pin::Pin<Box<dyn Future<Output = ()>>>) -> ExitCode,
{
    let guard = match cli::logging::start(log, env, mask, console.clone()) {
        Ok(guard) => guard,
        Err(error) => {
            complain(format_args!("error: {error}"));
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().max_blocking_threads(64).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format_args!("error: starting failed: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        match signals::stops(console.clone()).and_then(|()| signals::interrupts()) {
            Ok(shutdown) => work(Box::pin(shutdown)).await,
            Err(error) => {
                complain(format_args!("error: watching for signals failed: {error}"));
                ExitCode::FAILURE
            }
        }
    });
    end(runtime);
    drop(guard);
    settle();
    code
}

/// Lets disk operations under way come to their end, for a moment.
fn end(runtime: Runtime) {
    runtime.shutdown_timeout(Duration::from_secs(5));
}
