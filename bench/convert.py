"""Writes a TorchScript backbone, without its classifier, in OpenVINO's format."""

import argparse

import openvino


def parse_arguments():
    parser = argparse.ArgumentParser(description="TorchScript to OpenVINO, for benchmark_app.")
    parser.add_argument("backbone", metavar="BACKBONE.pt")
    parser.add_argument("batch", metavar="BATCH", type=int)
    parser.add_argument("output", metavar="OUT.xml")
    return parser.parse_args()


def main():
    args = parse_arguments()
    network = openvino.convert_model(args.backbone, input=[args.batch, 3, 224, 224])
    classifier = [node for node in network.get_ordered_ops()
                  if node.get_type_name() == "MatMul"][-1]
    features = openvino.Model([classifier.input_value(0)], network.get_parameters())
    openvino.save_model(features, args.output, compress_to_fp16=False)


if __name__ == "__main__":
    main()
