// Sends one AWS Batch operation with the JavaScript SDK and prints what came
// of it as JSON: {"output": …} or {"error": {name, message, status, fault}}.
//
//   node call.mjs OPERATION < input.json
//
// BATCH_URL names the server.
import * as sdk from "@aws-sdk/client-batch";
import { readFileSync } from "node:fs";

const operation = process.argv[2];
const input = JSON.parse(readFileSync(0, "utf8"));
const client = new sdk.BatchClient({
  region: "us-east-1",
  endpoint: process.env.BATCH_URL,
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
});

let result;
try {
  const output = await client.send(new sdk[`${operation}Command`](input));
  result = { output };
} catch (error) {
  result = {
    error: {
      name: error.name,
      message: error.message,
      status: error.$metadata?.httpStatusCode,
      fault: error.$fault,
      isClientException: error instanceof sdk.ClientException,
    },
  };
}
console.log(JSON.stringify(result));
