// Lists the failed jobs of a queue, then describes the first of them, with the
// callback style that the SDK keeps from its second version.
//
//   node failed_jobs.mjs QUEUE
//
// Prints {"listed": <listJobs output>, "described": <describeJobs output>}.
import { Batch } from "@aws-sdk/client-batch";

const batch = new Batch({
  region: "us-east-1",
  endpoint: process.env.BATCH_URL,
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
});

const jobQueue = process.argv[2];
batch.listJobs({ jobQueue, jobStatus: "FAILED" }, (error, listed) => {
  if (error) throw error;
  const jobs = [listed.jobSummaryList[0].jobId];
  batch.describeJobs({ jobs }, (error, described) => {
    if (error) throw error;
    console.log(JSON.stringify({ listed, described }));
  });
});
