//! The one file that calls librdkafka directly, where `rdkafka` has no way to say what is needed:
//!
//! - whether a record that failed may have been written (`rd_kafka_message_status`);
//! - reading partitions that are started and stopped one by one, without a group and in batches, with the topic
//!   and offset of each end that is reached (`rd_kafka_consume_start_queue`, `rd_kafka_consume_batch_queue`):
//!   `rdkafka` wants a group for that and says of an end only which partition number it has;
//! - headers whose names are no UTF-8 or hold a zero byte, for which `rdkafka` panics;
//! - a flush that waits for the last record and not in steps of 100 ms (`rd_kafka_flush`);
//! - which member of which generation a consumer is, and whether a client has something to say;
//! - who is in a group, also while some brokers are away (`rd_kafka_list_groups`): `rdkafka` then knows nothing;
//! - giving a client its brokers again (`rd_kafka_brokers_add`).
//!
//! librdkafka is safe to call from any thread; what its handles need is that they are destroyed before their
//! client, which the order of the fields of [`Reader`] sees to.
#![allow(unsafe_code)]

use std::{
    collections::BTreeSet,
    ffi::{CStr, CString, c_char, c_void},
    ptr::{self, NonNull},
    sync::Arc,
    time::Duration,
};

use bytes::{BufMut as _, Bytes};
use rdkafka::{
    TopicPartitionList, bindings as rd,
    client::{Client, ClientContext},
    consumer::{BaseConsumer, Consumer as _},
    error::RDKafkaErrorCode,
    message::BorrowedMessage,
    producer::{BaseProducer, Producer as _, ProducerContext},
    util::IntoOpaque,
};

use super::{
    bell::Bell,
    ears::{Ears, hear},
};
use crate::{Entry, Headers, Millis, Offset, Partition, Record, Topic};

/// Whether a record that failed may stand in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// It was never sent, or the broker refused it.
    NotPersisted,
    /// It was sent and no answer came.
    PossiblyPersisted,
    /// It stands there.
    Persisted,
}

/// What became of a record whose delivery is reported.
pub(super) fn status(message: &BorrowedMessage<'_>) -> Status {
    // SAFETY: the message is alive as long as the reference to it.
    match unsafe { rd::rd_kafka_message_status(message.ptr()) } {
        rd::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED => Status::NotPersisted,
        rd::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED => Status::PossiblyPersisted,
        rd::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_PERSISTED => Status::Persisted,
    }
}

/// Hands a record to a producer, with what its delivery is to be reported with. With an error it took nothing, and
/// gives that back.
pub(super) fn produce<C: ProducerContext>(
    client: &Client<C>,
    topic: &CStr,
    partition: Partition,
    record: &Record,
    opaque: C::DeliveryOpaque,
) -> Result<(), (RDKafkaErrorCode, C::DeliveryOpaque)> {
    // librdkafka takes it for now.
    produce_at(client, topic, partition, record, 0, opaque)
}

/// The same with the time that it has where the topic's times are those of whoever writes.
pub(super) fn produce_at<C: ProducerContext>(
    client: &Client<C>,
    topic: &CStr,
    partition: Partition,
    record: &Record,
    time: Millis,
    opaque: C::DeliveryOpaque,
) -> Result<(), (RDKafkaErrorCode, C::DeliveryOpaque)> {
    use rd::rd_kafka_vtype_t as vtype;
    let bytes = |part: &Option<Bytes>| -> (*const u8, usize) {
        // An empty part has an address of its own, so that it is not taken for a missing one.
        part.as_ref().map_or((ptr::null(), 0), |bytes| (bytes.as_ptr(), bytes.len()))
    };
    let (key, key_len) = bytes(&record.key);
    let (value, value_len) = bytes(&record.value);
    let Ok(partition) = i32::try_from(partition) else {
        return Err((RDKafkaErrorCode::UnknownPartition, opaque));
    };
    let headers = headers_of(&record.headers);
    let opaque = opaque.into_ptr();
    // SAFETY: every argument has the type that its tag says; all are copied before the call returns, except for
    // the headers, which belong to librdkafka if it succeeds.
    let error = unsafe {
        rd::rd_kafka_producev(
            client.native_ptr(),
            vtype::RD_KAFKA_VTYPE_TOPIC,
            topic.as_ptr(),
            vtype::RD_KAFKA_VTYPE_PARTITION,
            partition,
            vtype::RD_KAFKA_VTYPE_MSGFLAGS,
            rd::RD_KAFKA_MSG_F_COPY,
            vtype::RD_KAFKA_VTYPE_VALUE,
            value,
            value_len,
            vtype::RD_KAFKA_VTYPE_KEY,
            key,
            key_len,
            vtype::RD_KAFKA_VTYPE_TIMESTAMP,
            time,
            vtype::RD_KAFKA_VTYPE_OPAQUE,
            opaque,
            vtype::RD_KAFKA_VTYPE_HEADERS,
            headers,
            vtype::RD_KAFKA_VTYPE_END,
        )
    };
    if error == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    // SAFETY: both were made above, and not taken.
    unsafe {
        if !headers.is_null() {
            rd::rd_kafka_headers_destroy(headers);
        }
        Err((error.into(), C::DeliveryOpaque::from_ptr(opaque)))
    }
}

fn headers_of(headers: &Headers) -> *mut rd::rd_kafka_headers_t {
    if headers.is_empty() {
        return ptr::null_mut();
    }
    // SAFETY: names and values are copied, with the lengths that are given.
    unsafe {
        let list = rd::rd_kafka_headers_new(8);
        for (name, value) in headers.iter() {
            let (name_len, value_len) = (name.len().cast_signed(), value.len().cast_signed());
            rd::rd_kafka_header_add(list, name.as_ptr().cast(), name_len, value.as_ptr().cast(), value_len);
        }
        list
    }
}

/// Waits until nothing is in the producer's queue or in flight, at most `wait`. True if that is so.
///
/// `BaseProducer::flush` waits in steps of 100 ms, also within a commit: a transaction then takes 102 ms
/// instead of 3.
pub(super) fn flush<C: ProducerContext>(producer: &BaseProducer<C>, wait: Duration) -> bool {
    let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the producer is alive.
    let error = unsafe { rd::rd_kafka_flush(producer.client().native_ptr(), wait) };
    error == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
}

/// The generation of its group that a consumer is a member of, as far as it knows; `None`: of none.
pub(super) fn generation<C: ClientContext>(client: &Client<C>) -> Option<i32> {
    // SAFETY: the client is alive; what is asked for is destroyed after the last look at it.
    unsafe {
        let member = rd::rd_kafka_consumer_group_metadata(client.native_ptr());
        if member.is_null() {
            return None;
        }
        let id = rd::rd_kafka_consumer_group_metadata_member_id(member);
        let named = !id.is_null() && *id != 0;
        let generation = rd::rd_kafka_consumer_group_metadata_generation_id(member);
        rd::rd_kafka_consumer_group_metadata_destroy(member);
        (named && generation >= 0).then_some(generation)
    }
}

/// The group's name for a consumer; empty if it has none now.
pub(super) fn member_id<C: ClientContext>(client: &Client<C>) -> String {
    // SAFETY: the client is alive; the text is copied, and freed by the client that made it.
    unsafe {
        let client = client.native_ptr();
        let id = rd::rd_kafka_memberid(client);
        let copy = text(id);
        if !id.is_null() {
            rd::rd_kafka_mem_free(client, id.cast());
        }
        copy
    }
}

/// Gives a client these brokers, `host:port[,host:port]`, beside those that it has. librdkafka keeps each list, and
/// begins with all of them when all brokers are down.
pub(super) fn add_brokers<C: ClientContext>(client: &Client<C>, brokers: &str) {
    // Addresses with a zero byte made no client.
    let Ok(brokers) = CString::new(brokers) else { return };
    // SAFETY: the client is alive; the list is copied.
    unsafe { rd::rd_kafka_brokers_add(client.native_ptr(), brokers.as_ptr()) };
}

/// Lets a producer meet a fatal error, as librdkafka's own tests do.
#[cfg(feature = "kafka-tests")]
pub(super) fn fail<C: ClientContext>(client: &Client<C>) {
    let error = rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    // SAFETY: the client is alive; the text is copied.
    unsafe { rd::rd_kafka_test_fatal_error(client.native_ptr(), error, c"a test".as_ptr()) };
}

/// Writes down positions of a group that the consumer does not join, and waits so long for the answer. The call that
/// waits by itself would do so for as long as librdkafka likes, where a broker takes connections and says nothing.
pub(super) fn commit<C: ClientContext>(
    client: &Client<C>,
    positions: &TopicPartitionList,
    within: Duration,
) -> Result<(), RDKafkaErrorCode> {
    let within = i32::try_from(within.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the client is alive. The positions are copied by the call that takes them, and the event is destroyed
    // after the last look at it; of an answer that comes too late librdkafka itself disposes.
    unsafe {
        let client = client.native_ptr();
        let queue = rd::rd_kafka_queue_new(client);
        let asked = rd::rd_kafka_commit_queue(client, positions.ptr(), queue, None, ptr::null_mut());
        let answer = check(asked).and_then(|()| {
            let event = rd::rd_kafka_queue_poll(queue, within);
            if event.is_null() {
                return Err(RDKafkaErrorCode::OperationTimedOut);
            }
            let answer = check(rd::rd_kafka_event_error(event));
            rd::rd_kafka_event_destroy(event);
            answer
        });
        rd::rd_kafka_queue_destroy(queue);
        answer
    }
}

/// A member of a group.
#[derive(Debug)]
pub(super) struct Member {
    /// Its client's own. Of one that took the place of another with its instance's name: the one's before.
    pub(super) client_id: String,
    /// The group's name for it. One that takes another's place gets its own.
    pub(super) id: String,
    /// What the group has given it, as it tells its members.
    pub(super) assignment: Vec<u8>,
}

/// A group, as its coordinator knows it.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// What it is about, as `Stable` or `PreparingRebalance`; empty if it is not there.
    pub(super) state: String,
    pub(super) all: Vec<Member>,
}

impl Member {
    /// Whether its instance has this name. The brokers make a member's id of that and a UUID (4.3.0:
    /// `ClassicGroup.generateMemberId`), in one of the two ways in which Kafka writes them.
    pub(super) fn has_name(&self, name: &str) -> bool {
        let uuid = self.id.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
        uuid.is_some_and(|uuid| matches!(uuid.len(), 22 | 36))
    }
}

/// A group, as its coordinator knows it; nobody is in one that is not there.
///
/// Every broker is asked. librdkafka's request to the coordinator alone (`rd_kafka_DescribeConsumerGroups`) ends the
/// process if it is given up while the coordinator is away and that comes back: what it freed it then uses again
/// (`rd_kafka_admin_coord_request`; 2.12.1).
pub(super) fn members<C: ClientContext>(
    client: &Client<C>,
    group: &CStr,
    within: Duration,
) -> Result<Members, RDKafkaErrorCode> {
    let within = i32::try_from(within.as_millis()).unwrap_or(i32::MAX);
    let mut found = ptr::null();
    // SAFETY: the client is alive and the name is copied. If there is a list, it is destroyed after the last look at it.
    unsafe {
        let error = rd::rd_kafka_list_groups(client.native_ptr(), group.as_ptr(), &raw mut found, within);
        if found.is_null() {
            check(error)?;
            return Err(RDKafkaErrorCode::BadMessage);
        }
        let members = members_of(&*found);
        let is_known = (*found).group_cnt > 0;
        rd::rd_kafka_group_list_destroy(found);
        // Not all brokers have answered, and its coordinator may be one of the others.
        if !is_known {
            check(error)?;
        }
        members
    }
}

/// # Safety
/// The list must be alive, with everything that it points to.
unsafe fn members_of(found: &rd::rd_kafka_group_list) -> Result<Members, RDKafkaErrorCode> {
    let mut members = Members::default();
    for place in 0..usize::try_from(found.group_cnt).unwrap_or(0) {
        // SAFETY: as the caller says; there are as many groups and members as it says.
        unsafe {
            let group = &*found.groups.add(place);
            check(group.err)?;
            members.state = text(group.state);
            for place in 0..usize::try_from(group.member_cnt).unwrap_or(0) {
                let member = &*group.members.add(place);
                let length = usize::try_from(member.member_assignment_size).unwrap_or(0);
                let assignment = slice(member.member_assignment, length).unwrap_or_default().to_vec();
                let (client_id, id) = (text(member.client_id), text(member.member_id));
                members.all.push(Member { client_id, id, assignment });
            }
        }
    }
    Ok(members)
}

/// A copy of a text; empty if there is none.
///
/// # Safety
/// It must be null or end with a zero byte.
unsafe fn text(at: *const c_char) -> String {
    if at.is_null() {
        return String::new();
    }
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(at) }.to_string_lossy().into_owned()
}

fn check(error: rd::rd_kafka_resp_err_t) -> Result<(), RDKafkaErrorCode> {
    match error {
        rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        error => Err(error.into()),
    }
}

/// Whether a client has something to say of itself or of its group. `BaseConsumer::poll` does not tell what it heard
/// and kept to itself from nothing.
pub(super) fn has_news<C: ClientContext>(client: &Client<C>) -> bool {
    // SAFETY: the client is alive; the handle of the queue is destroyed after the look at it.
    unsafe {
        let queue = rd::rd_kafka_queue_get_main(client.native_ptr());
        if queue.is_null() {
            return false;
        }
        let has_news = rd::rd_kafka_queue_length(queue) > 0;
        rd::rd_kafka_queue_destroy(queue);
        has_news
    }
}

/// One thing that a reader has read.
#[derive(Debug)]
pub(super) enum Read {
    /// A record.
    Entry(Entry),
    /// Everything of a partition that was committed was read, up to this offset; nothing that is visible
    /// stands between the last record and it.
    End(Topic, Partition, Offset),
    /// A partition is read no further.
    Failed(Topic, Partition, RDKafkaErrorCode, String),
}

/// Reads partitions, each started and stopped by itself, without a group. The consumer below says how: which
/// isolation, how much in advance.
pub(super) struct Reader {
    topics: Vec<Handle>,
    running: BTreeSet<(Topic, Partition)>,
    records: Queue,
    messages: Vec<*mut rd::rd_kafka_message_t>,
    // Last, because everything above is made of it.
    consumer: BaseConsumer<Ears>,
}

// SAFETY: librdkafka may be called from any thread, and `messages` holds pointers only within a call.
unsafe impl Send for Reader {}

impl Reader {
    /// A reader of `topics`, each with its name in Kafka, that brings at most `most` things at once. The bell
    /// rings when there is something to read.
    pub(super) fn new(
        consumer: BaseConsumer<Ears>,
        topics: &[(Topic, &CStr)],
        most: usize,
        bell: &Arc<Bell>,
    ) -> Option<Self> {
        let client = consumer.client().native_ptr();
        let topics = topics.iter().map(|(topic, name)| Handle::new(client, topic, name));
        Some(Self {
            topics: topics.collect::<Option<Vec<_>>>()?,
            running: BTreeSet::new(),
            records: Queue::new(client, bell)?,
            messages: Vec::with_capacity(most.max(1)),
            consumer,
        })
    }

    /// The consumer below, to ask for offsets.
    pub(super) fn consumer(&self) -> &BaseConsumer<Ears> {
        &self.consumer
    }

    /// Reads a partition from `offset` on, also if it is read elsewhere now: nothing of before comes any more.
    pub(super) fn start(
        &mut self,
        topic: Topic,
        partition: Partition,
        offset: Offset,
    ) -> Result<(), RDKafkaErrorCode> {
        self.stop(topic, partition);
        let unknown = RDKafkaErrorCode::UnknownPartition;
        let handle = self.handle(topic).ok_or(unknown)?;
        let number = i32::try_from(partition).map_err(|_| unknown)?;
        let offset = i64::try_from(offset).map_err(|_| RDKafkaErrorCode::InvalidArgument)?;
        // SAFETY: topic and queue are of this client and alive.
        let failed =
            unsafe { rd::rd_kafka_consume_start_queue(handle, number, offset, self.records.ptr.as_ptr()) };
        if failed != 0 {
            // SAFETY: a number of this thread.
            return Err(unsafe { rd::rd_kafka_last_error() }.into());
        }
        self.running.insert((topic, partition));
        Ok(())
    }

    /// Reads a partition no longer. What was fetched of it is thrown away, by the version that librdkafka
    /// gives each start.
    pub(super) fn stop(&mut self, topic: Topic, partition: Partition) {
        if self.running.remove(&(topic, partition))
            && let (Some(handle), Ok(number)) = (self.handle(topic), i32::try_from(partition))
        {
            // SAFETY: the topic is of this client and alive. It waits for librdkafka's own thread, for no broker.
            unsafe { rd::rd_kafka_consume_stop(handle, number) };
        }
    }

    fn handle(&self, topic: Topic) -> Option<*mut rd::rd_kafka_topic_t> {
        self.topics.iter().find(|handle| handle.topic == topic).map(|handle| handle.ptr.as_ptr())
    }

    /// What has come, without waiting, in order within each partition.
    pub(super) fn read(&mut self, mut take: impl FnMut(Read)) -> usize {
        hear(&self.consumer);
        let most = self.messages.capacity();
        // SAFETY: there is room for `most` pointers; as many as it says are written.
        let count = unsafe {
            let count = rd::rd_kafka_consume_batch_queue(
                self.records.ptr.as_ptr(),
                0,
                self.messages.as_mut_ptr(),
                most,
            );
            let count = usize::try_from(count).unwrap_or(0);
            self.messages.set_len(count);
            count
        };
        for message in self.messages.drain(..) {
            // SAFETY: each message is ours until it is destroyed, which is here, after it has been copied.
            unsafe {
                if let Some(topic) = topic_of(&self.topics, &*message)
                    && let Some(read) = read(topic, &*message)
                {
                    take(read);
                }
                rd::rd_kafka_message_destroy(message);
            }
        }
        count
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for (topic, partition) in self.running.clone() {
            self.stop(topic, partition);
        }
    }
}

/// A topic as librdkafka knows it.
struct Handle {
    topic: Topic,
    name: CString,
    ptr: NonNull<rd::rd_kafka_topic_t>,
}

impl Handle {
    fn new(client: *mut rd::rd_kafka_t, topic: Topic, name: &CStr) -> Option<Self> {
        // SAFETY: the client is alive; without a configuration the client's default is taken.
        let ptr = unsafe { rd::rd_kafka_topic_new(client, name.as_ptr(), ptr::null_mut()) };
        Some(Self { topic, name: name.to_owned(), ptr: NonNull::new(ptr)? })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and its client is alive.
        unsafe { rd::rd_kafka_topic_destroy(self.ptr.as_ptr()) };
    }
}

/// A queue that rings a bell when it is no longer empty.
struct Queue {
    ptr: NonNull<rd::rd_kafka_queue_t>,
    // What librdkafka has a pointer to.
    _bell: Arc<Bell>,
}

impl Queue {
    fn new(client: *mut rd::rd_kafka_t, bell: &Arc<Bell>) -> Option<Self> {
        // SAFETY: the client is alive.
        Self::of(unsafe { rd::rd_kafka_queue_new(client) }, bell)
    }

    fn of(queue: *mut rd::rd_kafka_queue_t, bell: &Arc<Bell>) -> Option<Self> {
        unsafe extern "C" fn ring(_: *mut rd::rd_kafka_t, bell: *mut c_void) {
            // SAFETY: the queue keeps its bell until it has told librdkafka to forget it.
            unsafe { (*bell.cast::<Bell>()).ring() };
        }
        let ptr = NonNull::new(queue)?;
        let opaque = Arc::as_ptr(bell).cast_mut().cast();
        // SAFETY: the queue is alive, and the bell as long as the callback is set.
        unsafe { rd::rd_kafka_queue_cb_event_enable(ptr.as_ptr(), Some(ring), opaque) };
        Some(Self { ptr, _bell: bell.clone() })
    }
}

/// Rings a bell when a client has something to say of itself, of its group or of records that it was given. To be
/// dropped before the client.
pub(super) struct News(#[expect(dead_code, reason = "it rings")] Queue);

// SAFETY: librdkafka may be called from any thread, and nothing is done with the queue but in `drop`.
unsafe impl Send for News {}
// SAFETY: the same.
unsafe impl Sync for News {}

impl News {
    pub(super) fn new<C: ClientContext>(client: &Client<C>, bell: &Arc<Bell>) -> Option<Self> {
        // SAFETY: the client is alive; what is got is a reference of its own, given back when it is dropped.
        Queue::of(unsafe { rd::rd_kafka_queue_get_main(client.native_ptr()) }, bell).map(Self)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: made by `of`, and its client is alive. The callback is called under the queue's lock, which
        // the first call takes: after it the bell is not rung any more.
        unsafe {
            rd::rd_kafka_queue_cb_event_enable(self.ptr.as_ptr(), None, ptr::null_mut());
            rd::rd_kafka_queue_destroy(self.ptr.as_ptr());
        }
    }
}

/// # Safety
/// The message must be alive.
unsafe fn topic_of(topics: &[Handle], message: &rd::rd_kafka_message_t) -> Option<Topic> {
    let by_handle = topics.iter().find(|handle| handle.ptr.as_ptr() == message.rkt);
    let by_name = || {
        if message.rkt.is_null() {
            return None;
        }
        // SAFETY: a topic's name lives as long as the topic, and the message holds the topic.
        let name = unsafe { CStr::from_ptr(rd::rd_kafka_topic_name(message.rkt)) };
        topics.iter().find(|handle| handle.name.as_c_str() == name)
    };
    by_handle.or_else(by_name).map(|handle| handle.topic)
}

/// # Safety
/// The message must be alive, with everything that it points to.
unsafe fn read(topic: Topic, message: &rd::rd_kafka_message_t) -> Option<Read> {
    let partition = Partition::try_from(message.partition).ok()?;
    match message.err {
        rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => {
            let offset = Offset::try_from(message.offset).ok()?;
            let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
            // SAFETY: as the caller says.
            let timestamp = unsafe { rd::rd_kafka_message_timestamp(message, &raw mut kind) };
            let record = unsafe { record(message) };
            Some(Read::Entry(Entry { topic, partition, offset, timestamp, record }))
        }
        rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__PARTITION_EOF => {
            Some(Read::End(topic, partition, Offset::try_from(message.offset).ok()?))
        }
        error => {
            // SAFETY: as the caller says; with an error the payload, if any, is its text.
            let text = unsafe { slice(message.payload, message.len) };
            let text = text.map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default();
            Some(Read::Failed(topic, partition, error.into(), text))
        }
    }
}

/// # Safety
/// `len` bytes must stand at `at`, if it is not null, for as long as the slice is used.
unsafe fn slice<'a>(at: *const c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: as the caller says.
    (!at.is_null()).then(|| unsafe { std::slice::from_raw_parts(at.cast(), len) })
}

/// Key, value and headers in one allocation.
///
/// # Safety
/// The message must be alive, with everything that it points to.
unsafe fn record(message: &rd::rd_kafka_message_t) -> Record {
    // SAFETY: as the caller says; both are copied below.
    let (key, value) = unsafe { (slice(message.key, message.key_len), slice(message.payload, message.len)) };
    let mut list = ptr::null_mut();
    // SAFETY: as the caller says. The headers belong to the message.
    let error = unsafe { rd::rd_kafka_message_headers(message, &raw mut list) };
    let has_headers = error == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
    let (key_len, value_len) = (key.map_or(0, <[u8]>::len), value.map_or(0, <[u8]>::len));
    let mut all = Vec::with_capacity(key_len + value_len + if has_headers { 256 } else { 0 });
    all.extend_from_slice(key.unwrap_or_default());
    all.extend_from_slice(value.unwrap_or_default());
    if has_headers {
        // SAFETY: the list is the message's own.
        unsafe { put_headers(list, &mut all) };
    }
    let all = Bytes::from(all);
    let headers = all.slice(key_len + value_len..);
    Record {
        key: key.map(|_| all.slice(..key_len)),
        value: value.map(|_| all.slice(key_len..key_len + value_len)),
        headers: if headers.is_empty() { Headers::default() } else { Headers::from_bytes(headers) },
    }
}

/// Puts them as [`Headers`] keeps them. Names come from outside: what is no UTF-8 is written so that it can be
/// read, and one that is too long to be kept is left out.
///
/// # Safety
/// The list must be alive.
unsafe fn put_headers(list: *const rd::rd_kafka_headers_t, all: &mut Vec<u8>) {
    for index in 0.. {
        let (mut name, mut value, mut len) = (ptr::null(), ptr::null(), 0);
        // SAFETY: as the caller says; name and value are the list's and are copied below.
        let (name, value) = unsafe {
            let error = rd::rd_kafka_header_get_all(list, index, &raw mut name, &raw mut value, &raw mut len);
            if error != rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR || name.is_null() {
                return;
            }
            (CStr::from_ptr(name).to_string_lossy(), slice(value, len).unwrap_or_default())
        };
        if let (Ok(name_len), Ok(value_len)) = (u16::try_from(name.len()), u32::try_from(value.len())) {
            all.put_u16_le(name_len);
            all.put_slice(name.as_bytes());
            all.put_u32_le(value_len);
            all.put_slice(value);
        }
    }
}

#[cfg(test)]
mod tests;
