#include "api/aws_batch/compute_resources.hpp"

#include "api/aws_batch/bounds.hpp"
#include "api/aws_batch/shape.hpp"

#include <nlohmann/json.hpp>

namespace berth::aws_batch {

namespace {

using kind = member_kind;

const shape& kept_shape() {
  static const shape launch_template_override{
      {{"launchTemplateId", kind::text},
       {"launchTemplateName", kind::text},
       {"version", kind::text},
       {"targetInstanceTypes", kind::text_list},
       {"userdataType", kind::text}}};
  static const shape launch_template{
      {{"launchTemplateId", kind::text},
       {"launchTemplateName", kind::text},
       {"version", kind::text},
       {"overrides", kind::object_list, &launch_template_override},
       {"userdataType", kind::text}}};
  static const shape ec2_configuration{
      {{"imageType", kind::text, nullptr, false, true},
       {"imageIdOverride", kind::text},
       {"batchImageStatus", kind::text},
       {"imageKubernetesVersion", kind::text}}};
  static const shape scaling_policy{
      {{"minScaleDownDelayMinutes", kind::integer}}};
  static const shape kept{
      {{"type",
        kind::text,
        nullptr,
        false,
        false,
        {"EC2", "SPOT", "FARGATE", "FARGATE_SPOT"}},
       {"allocationStrategy",
        kind::text,
        nullptr,
        false,
        false,
        {"BEST_FIT", "BEST_FIT_PROGRESSIVE", "BEST_FIT_PROGRESSIVE_ORDERED",
         "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED",
         "SPOT_CAPACITY_OPTIMIZED_PRIORITIZED"}},
       {"instanceTypes", kind::text_list},
       {"imageId", kind::text},
       {"subnets", kind::text_list},
       {"securityGroupIds", kind::text_list},
       {"ec2KeyPair", kind::text},
       {"instanceRole", kind::text},
       {"tags", kind::text_map},
       {"placementGroup", kind::text},
       {"bidPercentage", kind::integer},
       {"spotIamFleetRole", kind::text},
       {"launchTemplate", kind::object, &launch_template},
       {"ec2Configuration", kind::object_list, &ec2_configuration},
       {"scalingPolicy", kind::object, &scaling_policy}}};
  return kept;
}

compute_resources parse_members(const json_place& place) {
  compute_resources parsed;
  parsed.min_vcpus = place.member("minvCpus").optional_integer(0, vcpus_max);
  parsed.max_vcpus = place.member("maxvCpus").optional_integer(0, vcpus_max);
  auto desired = place.member("desiredvCpus");
  parsed.desired_vcpus = desired.optional_integer(0, vcpus_max);
  parsed.rest_json = copy_shape(place, kept_shape()).dump();
  if (parsed.min_vcpus && parsed.max_vcpus
      && *parsed.min_vcpus > *parsed.max_vcpus)
    place.member("minvCpus")
        .fail("must not exceed maxvCpus, which is "
              + std::to_string(*parsed.max_vcpus));
  if (parsed.desired_vcpus
      && ((parsed.max_vcpus && *parsed.desired_vcpus > *parsed.max_vcpus)
          || (parsed.min_vcpus && *parsed.desired_vcpus < *parsed.min_vcpus)))
    desired.fail("must be between minvCpus and maxvCpus");
  return parsed;
}

} // namespace

compute_resources parse_compute_resources(const json_place& place) {
  if (place.absent())
    place.fail("must be an object with type and maxvCpus, since the type of "
               "the environment is MANAGED");
  auto type = place.member("type");
  if (type.absent())
    type.fail("must be one of EC2, SPOT, FARGATE, FARGATE_SPOT");
  auto max = place.member("maxvCpus");
  if (max.absent())
    max.integer(0, vcpus_max);
  auto parsed = parse_members(place);
  if (type.text().starts_with("FARGATE")) {
    if (parsed.desired_vcpus)
      throw refused{"desiredvCpus is not applicable for Fargate."};
    if (!place.member("tags").empty())
      throw refused{"tags is not applicable for Fargate."};
  }
  return parsed;
}

compute_resources parse_compute_resource_update(const json_place& place) {
  auto strategy = place.member("allocationStrategy");
  if (!strategy.absent() && strategy.text() == "BEST_FIT")
    strategy.fail("must be another strategy when an environment is updated");
  return parse_members(place);
}

} // namespace berth::aws_batch
