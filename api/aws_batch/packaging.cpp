#include "api/aws_batch/packaging.hpp"

#include "api/aws_batch/bounds.hpp"
#include "api/aws_batch/errors.hpp"
#include "api/aws_batch/pages.hpp"
#include "api/aws_batch/shape.hpp"

#include <nlohmann/json.hpp>

namespace berth::aws_batch {

namespace {

using kind = member_kind;

const shape& volume_shape() {
  static const shape host{{{"sourcePath", kind::text}}};
  static const shape efs_authorization{
      {{"accessPointId", kind::text},
       {"iam", kind::text, nullptr, false, false, {"ENABLED", "DISABLED"}}}};
  static const shape efs{
      {{"fileSystemId", kind::text, nullptr, false, true},
       {"rootDirectory", kind::text},
       {"transitEncryption",
        kind::text,
        nullptr,
        false,
        false,
        {"ENABLED", "DISABLED"}},
       {"transitEncryptionPort", kind::integer},
       {"authorizationConfig", kind::object, &efs_authorization}}};
  static const shape s3_files{
      {{"fileSystemArn", kind::text, nullptr, false, true},
       {"rootDirectory", kind::text},
       {"transitEncryptionPort", kind::integer},
       {"accessPointArn", kind::text}}};
  static const shape volume{
      {{"host", kind::object, &host},
       {"name", kind::text},
       {"efsVolumeConfiguration", kind::object, &efs},
       {"s3filesVolumeConfiguration", kind::object, &s3_files}}};
  return volume;
}

const shape& linux_parameters_shape() {
  static const shape device{{{"hostPath", kind::text, nullptr, false, true},
                             {"containerPath", kind::text},
                             {"permissions", kind::text_list, nullptr, true}}};
  static const shape tmpfs{{{"containerPath", kind::text, nullptr, false, true},
                            {"size", kind::integer, nullptr, false, true},
                            {"mountOptions", kind::text_list, nullptr, true}}};
  static const shape linux_parameters{
      {{"devices", kind::object_list, &device, true},
       {"initProcessEnabled", kind::boolean},
       {"sharedMemorySize", kind::integer},
       {"tmpfs", kind::object_list, &tmpfs, true},
       {"maxSwap", kind::integer},
       {"swappiness", kind::integer}}};
  return linux_parameters;
}

const shape& log_configuration_shape() {
  static const shape secret{{{"name", kind::text, nullptr, false, true},
                             {"valueFrom", kind::text, nullptr, false, true}}};
  static const shape log_configuration{
      {{"logDriver",
        kind::text,
        nullptr,
        false,
        true,
        {"json-file", "syslog", "journald", "gelf", "fluentd", "awslogs",
         "splunk", "awsfirelens"}},
       {"options", kind::text_map, nullptr, true},
       {"secretOptions", kind::object_list, &secret, true}}};
  return log_configuration;
}

const shape& packaging_shape() {
  static const shape mount_point{{{"containerPath", kind::text},
                                  {"readOnly", kind::boolean},
                                  {"sourceVolume", kind::text}}};
  static const shape network{{{"assignPublicIp",
                               kind::text,
                               nullptr,
                               false,
                               false,
                               {"ENABLED", "DISABLED"}}}};
  static const shape fargate_platform{{{"platformVersion", kind::text}}};
  static const shape ephemeral_storage{
      {{"sizeInGiB", kind::integer, nullptr, false, true}}};
  static const shape runtime_platform{
      {{"operatingSystemFamily", kind::text}, {"cpuArchitecture", kind::text}}};
  static const shape repository_credentials{
      {{"credentialsParameter", kind::text, nullptr, false, true}}};
  static const shape packaging{
      {{"image", kind::text, nullptr, false, true},
       {"jobRoleArn", kind::text},
       {"executionRoleArn", kind::text},
       {"volumes", kind::object_list, &volume_shape(), true},
       {"mountPoints", kind::object_list, &mount_point, true},
       {"readonlyRootFilesystem", kind::boolean},
       {"privileged", kind::boolean},
       {"instanceType", kind::text},
       {"linuxParameters", kind::object, &linux_parameters_shape()},
       {"logConfiguration", kind::object, &log_configuration_shape()},
       {"networkConfiguration", kind::object, &network},
       {"fargatePlatformConfiguration", kind::object, &fargate_platform},
       {"enableExecuteCommand", kind::boolean},
       {"ephemeralStorage", kind::object, &ephemeral_storage},
       {"runtimePlatform", kind::object, &runtime_platform},
       {"repositoryCredentials", kind::object, &repository_credentials}}};
  return packaging;
}

} // namespace

std::string parse_packaging(const json_place& container, bool is_fargate,
                            const parse_context& context) {
  refuse_unsupported(container, {"secrets"});
  auto packaging = copy_shape(container, packaging_shape());
  auto image = container.member("image");
  if (image.nonempty_text().size() > image_length_max)
    image.fail("must have at most " + std::to_string(image_length_max)
               + " bytes");
  packaging["secrets"] = nlohmann::json::array();
  if (is_fargate && !packaging.contains("fargatePlatformConfiguration"))
    packaging["fargatePlatformConfiguration"] = {{"platformVersion", "LATEST"}};
  if (!is_fargate && !container.member("networkConfiguration").empty())
    throw refused{older_text("networkConfiguration not applicable for EC2.",
                             context.request_id)};
  return packaging.dump();
}

} // namespace berth::aws_batch
