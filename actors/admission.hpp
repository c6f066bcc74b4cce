// From a submission as a client wrote it to a job: definition, overrides and
// defaults resolved against a replica of the catalog (AWS reference, 13.1). A
// pure function, the same for API and topic.
#pragma once

#include "actors/catalog_actor.hpp"
#include "messages/requests.hpp"

#include <variant>

namespace berth {

struct admitted_submission {
  queue_uid queue;
  shard_id queue_shard;
  shared_job_spec spec;
};

/// Why a submission is refused. `may_be_stale`: a name was not found, which a
/// replica may only say behind a barrier (rule Barrier).
struct refused_submission {
  api_error error;
  bool may_be_stale = false;
};

/// A submission of a topic, once its dependencies were looked up, too. Only an
/// error of the code `invalid` is final.
using resolved_submission = std::variant<admitted_submission, api_error>;

std::variant<admitted_submission, refused_submission>
admit(const catalog_actor& catalog, const account_region& owner,
      const submit_job_request& asked);

} // namespace berth
