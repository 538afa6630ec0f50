//! The setup, the start and the end of each fault.

use anyhow::Result;
use rustix::process::Signal;

use super::{api, connections, machine, signals, store};
use crate::fault::Fault;
use crate::sender::Log;
use crate::world::{Setup, World};

impl Fault {
    /// Adds the requirements of the fault to the setup of its world.
    pub fn prepare(self, setup: &mut Setup) {
        match self {
            Self::OneOfThreeKilled => setup.senders = 3,
            Self::StoreFull => setup.small_disk = true,
            Self::StoreEmptied => setup.persistent = false,
            Self::ReplicaPromoted | Self::StoreOnStandby => setup.replica = true,
            Self::LogReaderGone | Self::LogNotDrained => setup.log = Log::Pipe,
            Self::LogDiskFull => setup.log = Log::Full,
            Self::LittleMemory => {
                setup.memory = Some(machine::MEMORY);
                // On a busy machine, an attempt with a large body takes longer than others may, and would
                // be repeated.
                setup.default_times = true;
            }
            Self::ClockAhead | Self::ClockBehind => setup.clock = true,
            Self::Receiver(kind) => setup.hostile = Some(kind),
            Self::ResolverGone => setup.names = true,
            Self::ReloadsAtStart | Self::StopsAtStart | Self::StopsDuringReload => {
                setup.fillers = setup.fillers.max(300);
            }
            Self::ManyEndpoints => setup.fillers = 5000,
            Self::FileEmpty | Self::FileCut => setup.default_times = true,
            _ => {}
        }
    }

    /// Starts the fault.
    ///
    /// # Errors
    ///
    /// A tool of the machine failed, or the sender broke a promise.
    pub async fn start(self, world: &mut World) -> Result<()> {
        match self {
            Self::SenderKilled => world.kill_sender(0).await,
            Self::OneOfThreeKilled => machine::kill_one(world).await,
            Self::StoreKilled => store::kill(world.store_mut()),
            Self::SourceKilled => {
                world.source_mut().kill();
                Ok(())
            }
            Self::ReceiverKilled => {
                world.receiver.kill();
                Ok(())
            }
            Self::StoreFrozenBriefly | Self::StoreFrozen => store::freeze(world.store_mut()),
            Self::SourceFrozen => {
                world.source_mut().stall();
                Ok(())
            }
            Self::StoreFull => store::fill(world).await,
            Self::StoreFlushed => store::flush(world).await,
            Self::StoreEmptied => store::empty(world).await,
            Self::StoreReadOnly => store::make_replica(world).await,
            Self::StoreWithoutReplicas => store::want_replicas(world, "1").await,
            Self::StoreOnStandby => store::redirect_to_replica(world),
            Self::ConnectionsExhausted => connections::take_all(world).await,
            Self::ConnectionsEnded => connections::end_at_random(world).await,
            Self::ReplicaPromoted => store::fail(world),
            Self::LogReaderGone => {
                world.senders[0].close_log();
                Ok(())
            }
            Self::FewDescriptors => machine::limit_descriptors(world),
            Self::LittleMemory => machine::add_large(world).await,
            Self::ClockAhead => world.set_clock("+3600"),
            Self::ClockBehind => world.set_clock("-3600"),
            Self::PartialHeads => api::partial_heads(world).await,
            Self::PartialBodies => api::partial_bodies(world).await,
            Self::UnreadResponses => api::unread_responses(world).await,
            Self::ResolverGone => world.names()?.remove(),
            Self::StopsAtStart => signals::stop_at_start(world).await,
            Self::StopsWaitingForStore => signals::stop_without_store(world).await,
            Self::StopsWaitingForName => signals::stop_without_name(world).await,
            Self::ReloadsAtStart => signals::reload_at_start(world).await,
            Self::ReloadsUnderLoad => signals::reload_under_load(world).await,
            Self::StopsDuringReload => signals::stop_during_reload(world).await,
            Self::SignalsDuringStop => signals::signal_during_stop(world).await,
            Self::FileEmpty => machine::reload_with(world, ""),
            Self::FileCut => machine::reload_cut(world),
            Self::ManyEndpoints => machine::restart_in_time(world).await,
            Self::LogDiskFull | Self::LogNotDrained | Self::Receiver(_) => Ok(()),
        }
    }

    /// Ends the fault.
    ///
    /// # Errors
    ///
    /// A tool of the machine failed, or the sender broke a promise.
    pub async fn end(self, world: &mut World) -> Result<()> {
        match self {
            Self::SenderKilled => world.start_sender(0).await,
            Self::StoreKilled | Self::StoreEmptied => {
                world.store_mut().restart().await;
                Ok(())
            }
            Self::SourceKilled => {
                world.source_mut().restart().await;
                Ok(())
            }
            Self::ReceiverKilled => world.receiver.restart().await,
            Self::StoreFrozenBriefly | Self::StoreFrozen => store::thaw(world.store_mut()),
            Self::SourceFrozen => {
                world.source_mut().unstall();
                Ok(())
            }
            Self::StoreFull => store::make_room(world).await,
            Self::StoreReadOnly => store::make_primary(world).await,
            Self::StoreWithoutReplicas => store::want_replicas(world, "0").await,
            Self::StoreOnStandby => store::redirect_to_primary(world),
            Self::ConnectionsExhausted => {
                world.holders.clear();
                Ok(())
            }
            Self::ReplicaPromoted => store::promote(world).await,
            Self::FewDescriptors => machine::restore_descriptors(world),
            Self::ClockAhead | Self::ClockBehind => world.set_clock("+0"),
            Self::PartialHeads | Self::PartialBodies | Self::UnreadResponses => {
                world.clients.clear();
                Ok(())
            }
            Self::ResolverGone => world.names()?.restore(),
            Self::FileEmpty | Self::FileCut => {
                world.write_config()?;
                world.senders[0].signal(Signal::HUP)
            }
            _ => Ok(()),
        }
    }
}
